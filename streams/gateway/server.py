"""The gateway's HTTP server: uvicorn, which tells the app of its transports, and beforehand of its end."""

from __future__ import annotations

import asyncio
import logging
import math
import socket
from typing import TYPE_CHECKING, Any, cast

import uvicorn
from litestar.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from streams.gateway.bodies import WHOLE
from streams.gateway.errors import problem, problem_answer
from streams.gateway.hot_routes import Gateway
from streams.gateway.joined_writes import JoinedWrites
from streams.gateway.live.wire import TRANSPORT
from streams.settings.tree import Settings

if TYPE_CHECKING:
    from websockets.frames import Frame
    from websockets.http11 import Request

_quiet = logging.getLogger(f"{__name__}.websockets")
_quiet.setLevel(logging.WARNING)
SOCKET_MESSAGE_BYTES = 1_024
"""Clients on a WebSocket have next to nothing to say."""
FRAGMENTS_MOST = 64
"""Of one message; an empty one adds nothing to its size."""
UNREAD_BYTES_MOST = 262_144
"""What waits for a client that sends on a WebSocket and reads nothing: each of its pings has an answer."""
HEAD_BYTES_MOST = 65_536
"""Of a request's line and headers, beside what came in one piece with what went before."""
HEAD_WITHIN_S = 30.0
"""So long a request line and its headers may take to come, as may the first request of a connection."""
PIPELINED_MOST = 64
"""Requests of one connection that wait for the answer before them."""


class _Http(HttpToolsProtocol):
    """Puts the transport into the scope (`streams.gateway.live.wire`), and bounds what a client may have the
    gateway keep: uvicorn reads headers without an end, waits for them for ever, and takes in any number of
    further requests.

    Where a client has sent further requests behind the one that is being answered, uvicorn tells only the
    last of them that the connection is lost. A stream before it would wait for ever, so all are told here.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._begun: list[RequestResponseCycle] = []
        self._of_head = 0
        self._goes_on = self._in_head = False
        self._between = True
        self._late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait_for_head()

    def data_received(self, data: bytes) -> None:
        self._goes_on = False
        if self._between:
            data = with_encoded_line(data)
        super().data_received(data)
        if self._in_head and self._late is None:  # nearly always a head comes as a whole
            self._wait_for_head()
        # Neither a request that begins, nor the end of its head, nor a body: headers, or what follows a body.
        self._of_head = 0 if self._goes_on else self._of_head + len(data)
        if self._of_head > HEAD_BYTES_MOST and not self.transport.is_closing():
            self._refuse_head()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._goes_on = self._in_head = True
        self._between = False
        cast("dict[str, object]", self.scope)[TRANSPORT] = self.transport

    def on_headers_complete(self) -> None:
        if len(self.pipeline) >= PIPELINED_MOST:
            self.transport.abort()
            raise OverflowError("too many requests that wait")  # the parser ends with it
        super().on_headers_complete()
        self._goes_on, self._in_head = True, False
        self._wait_no_more()
        self._begun = [cycle for cycle in self._begun if not cycle.response_complete]
        if self.cycle is not None:
            self._begun.append(self.cycle)
            self.cycle.transport = cast("asyncio.Transport", JoinedWrites(self.transport, self.loop))

    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        self._goes_on = True

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._between = True
        cast("dict[str, object]", self.scope)[WHOLE] = True

    def send_400_response(self, msg: str) -> None:
        if self._is_answering():  # nothing may be written into the midst of an answer
            self.transport.abort()
        else:
            super().send_400_response(msg)

    def _refuse_head(self) -> None:
        if self._is_answering():
            self.transport.abort()
            return
        answer = problem_answer(
            problem(
                431,
                "head_too_large",
                expected=f"a request line and headers of {HEAD_BYTES_MOST} bytes at most",
                came="more",
                remedy="send less in headers and in the address",
            )
        )
        head = (
            f"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: {answer.media_type}\r\n"
            f"content-length: {len(answer.body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + answer.body)
        self.transport.close()

    def _wait_for_head(self) -> None:
        self._late = self.loop.call_later(HEAD_WITHIN_S, self.transport.abort)

    def _wait_no_more(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _is_answering(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    def connection_lost(self, exc: Exception | None) -> None:
        for cycle in self._begun:
            if not cycle.response_complete:
                cycle.disconnected = True
                cycle.message_event.set()
        self._begun = []
        self._wait_no_more()
        super().connection_lost(exc)


def with_encoded_line(data: bytes) -> bytes:
    """What begins with a request line, whose letters beyond ASCII are percent-encoded: curl sends an address
    as it was typed, and the parser takes none that is not ASCII.

    >>> with_encoded_line("GET /v1/search?q=手 HTTP/1.1\\r\\nHost: h\\r\\n".encode())
    b'GET /v1/search?q=%E6%89%8B HTTP/1.1\\r\\nHost: h\\r\\n'
    """
    end = data.find(b"\r\n")
    line = data if end < 0 else data[:end]
    if line.isascii():
        return data
    encoded = b"".join(b"%%%02X" % byte if byte > 0x7F else b"%c" % byte for byte in line)
    return encoded if end < 0 else encoded + data[end:]


class _WebSocket(WebSocketsSansIOProtocol):
    """The same for WebSockets: uvicorn answers pings that nobody reads, and gathers fragments without an end.

    Each that is accepted would be a line of the log, with the user's id in it.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.logger = _quiet

    def handle_ping(self) -> None:
        super().handle_ping()
        if self.transport.get_write_buffer_size() > UNREAD_BYTES_MOST:
            self.transport.abort()

    def handle_cont(self, event: Frame) -> None:
        if len(self.frames) >= FRAGMENTS_MOST:
            self.transport.abort()
        else:
            super().handle_cont(event)

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
