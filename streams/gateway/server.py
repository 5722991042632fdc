"""The gateway's HTTP server: uvicorn, which tells the app of its transports, and beforehand of its end."""

from __future__ import annotations

import math
import socket
from typing import TYPE_CHECKING, cast

import uvicorn
from litestar.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from streams.gateway.hot_routes import Gateway
from streams.gateway.live.wire import TRANSPORT
from streams.settings.tree import Settings

if TYPE_CHECKING:
    from websockets.http11 import Request

SOCKET_MESSAGE_BYTES = 1_024
"""Clients on a WebSocket have next to nothing to say."""


class _Http(HttpToolsProtocol):
    """Puts the transport into the scope (`streams.gateway.live.wire`)."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        cast("dict[str, object]", self.scope)[TRANSPORT] = self.transport


class _WebSocket(WebSocketsSansIOProtocol):
    """The same for WebSockets."""

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)  # makes the scope, and a task that has not begun yet
        if self.response.status_code == 101:
            cast("dict[str, object]", self.scope)[TRANSPORT] = self.transport


class GatewayServer(uvicorn.Server):
    """Serves `behind`, which stands before `app`, and ends the app's streams before it waits for the rest."""

    def __init__(self, app: Gateway, behind: ASGIApp, settings: Settings) -> None:
        gateway, live = settings.gateway, settings.live
        super().__init__(
            uvicorn.Config(
                behind,
                interface="asgi3",
                loop="auto",
                http=_Http,
                ws=_WebSocket,
                ws_max_size=SOCKET_MESSAGE_BYTES,
                ws_ping_interval=live.ping_every_s,
                ws_ping_timeout=live.slow_after_s,
                ws_per_message_deflate=False,
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=math.ceil(gateway.drain_deadline_s),
            )
        )
        self._gateway = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """See `uvicorn.Server`."""
        self._gateway.end_streams()
        await super().shutdown(sockets)
