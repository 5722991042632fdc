"""A connection on a WebSocket: the same feeds, each in a message of JSON.

The server sends protocol pings. A client whose platform does not show these may send the text `ping`, and
gets `pong`. It has nothing else to say.
"""

from __future__ import annotations

from typing import Any

import msgspec

from streams.gateway.live.connection import Connection
from streams.gateway.live.follower import LiveFeed

RESTARTED, UNSUPPORTED = 1012, 1003
"""Codes with which the gateway closes: come back; and: it takes no such messages."""


def message(feed: LiveFeed) -> str:
    """A feed as a message of JSON: what an event of the stream has, as fields."""
    head = b'{"event":"feed","id":' + msgspec.json.encode(feed.revision)
    return (head + b',"data":' + feed.content + b"}").decode()


class LiveSocket(Connection):
    """A WebSocket whose handshake has been asked for."""

    kind, status = "websocket", 101
    _closed = False

    async def feed(self, feed: LiveFeed) -> None:
        if self._closed:
            raise OSError("the gateway has closed this WebSocket")
        await self._send({"type": "websocket.send", "text": message(feed)})

    async def ping(self) -> None:
        return None  # the server does

    async def end(self) -> None:
        await self._close(RESTARTED)

    async def _start(self) -> None:
        await self._receive()  # the handshake
        await self._send({"type": "websocket.accept"})

    async def _is_over(self, message: Any) -> bool:
        if message["type"] == "websocket.receive":
            if message.get("text") == "ping":
                await self._send({"type": "websocket.send", "text": "pong"})
            else:
                await self._close(UNSUPPORTED)
        return bool(message["type"] == "websocket.disconnect")

    async def _close(self, code: int) -> None:
        if not self._closed:
            self._closed = True
            await self._send({"type": "websocket.close", "code": code})
