"""A connection by server-sent events: an answer that does not end."""

from __future__ import annotations

import random
from typing import Any

from streams.gateway.live.connection import Connection
from streams.gateway.live.follower import LiveFeed
from streams.gateway.live.server_sent import MEDIA_TYPE, PING, event, retry

HEAD = [
    (b"content-type", MEDIA_TYPE.encode()),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # a proxy before the gateway must hand on each event as it comes
    (b"connection", b"close"),  # its buffers are too small for other answers
]


class EventStream(Connection):
    """See `streams.gateway.live.server_sent` for what it sends."""

    kind, status = "sse", 200

    async def room(self) -> None:
        await self._body(b"")

    async def feed(self, feed: LiveFeed) -> None:
        await self._body(event("feed", feed.revision, feed.content))

    async def ping(self) -> None:
        await self._body(PING)

    async def end(self) -> None:
        # Clients of a gateway that ends come back to the others one after the other.
        later = retry(round(self._settings.retry_ms * random.uniform(0.5, 1.5)))
        await self._send({"type": "http.response.body", "body": later, "more_body": False})

    async def _start(self) -> None:
        await self._send({"type": "http.response.start", "status": self.status, "headers": HEAD})
        await self._body(retry(self._settings.retry_ms))

    async def _is_over(self, message: Any) -> bool:
        return bool(message["type"] == "http.disconnect")

    async def _body(self, body: bytes) -> None:
        await self._send({"type": "http.response.body", "body": body, "more_body": True})
