"""GET /console/live: the console's figures, each second, as server-sent events.

It is plain ASGI, so that a slot is given back whatever becomes of the connection: Litestar's generators are
not closed where a client leaves (litestar #3772). Each client gets the newest figures; a slow one misses
some, and nothing is kept for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

import msgspec
from litestar import Response, asgi, get
from litestar.handlers import BaseRouteHandler
from litestar.types import Receive, Scope, Send

from streams.gateway.console.watch import Watch
from streams.gateway.errors import ProblemError, problem
from streams.gateway.live.wire import Wire
from streams.gateway.web.forgery import check_own_page
from streams.gateway.web.headers import SAFE

STREAMS_MOST = 32
SEND_AT_MOST_S = 15.0
"""A client that takes nothing for so long has gone."""
LIVES_S = 3_600.0
HEADERS = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
]

_encoder = msgspec.json.Encoder()


class LiveStreams:
    """The streams that are open; `taken` counts them."""

    def __init__(self, watch: Watch, most: int = STREAMS_MOST) -> None:
        self._watch, self._most = watch, most
        self.taken = 0
        self._sent: tuple[object, bytes] = (None, b"")

    async def answer(self, receive: Receive, send: Send, wire: Wire = Wire({})) -> None:
        """One stream, to its end. Raises `ProblemError` (503) where all slots are taken."""
        if self.taken >= self._most:
            raise ProblemError(
                problem(
                    503,
                    "too_many_streams",
                    expected=f"at most {self._most} live pages of a gateway",
                    came="one more",
                    remedy="close a page, or try again in 5 s",
                ),
                {"Retry-After": "5"} | SAFE,
            )
        self.taken += 1
        try:
            with self._watch.looking.lasting():
                await _first_of(_gone(receive), self._send_all(send, wire))
        finally:
            self.taken -= 1

    async def _send_all(self, send: Send, wire: Wire) -> None:
        try:
            await self._send_figures(send)
        except TimeoutError:
            wire.cut()  # the server would wait until the client has read what lies there

    async def _send_figures(self, send: Send) -> None:
        await _within(send, {"type": "http.response.start", "status": 200, "headers": HEADERS})
        ends_s = asyncio.get_running_loop().time() + LIVES_S
        goes_on = True
        while goes_on and asyncio.get_running_loop().time() < ends_s:
            await _within(send, {"type": "http.response.body", "body": self._event(), "more_body": True})
            goes_on = await self._watch.changed()
        await _within(send, {"type": "http.response.body", "body": b"", "more_body": False})

    def _event(self) -> bytes:
        """Made once for all streams."""
        figures = self._watch.figures
        if figures is None:
            return b": nothing yet\n\n"
        if self._sent[0] is not figures:
            self._sent = figures, b"event: figures\ndata: %b\n\n" % _encoder.encode(figures)
        return self._sent[1]


def live_routes(watch: Watch) -> list[BaseRouteHandler]:
    """The stream, and GET /console/figures: the last minutes, with which a page begins."""
    streams = LiveStreams(watch)

    @asgi("/live", guards=[check_own_page], copy_scope=True)
    async def live(scope: Scope, receive: Receive, send: Send) -> None:
        await streams.answer(receive, send, Wire(scope))

    @get("/figures", guards=[check_own_page])
    async def figures() -> Response[bytes]:
        await watch.look()
        told = {"points": list(watch.points), "figures": watch.figures, "objective": watch.objective_ms}
        headers = SAFE | {"Cache-Control": "no-store"}
        return Response(_encoder.encode(told), media_type="application/json", headers=headers)

    return [live, figures]


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _within(send: Send, message: Any) -> None:
    async with asyncio.timeout(SEND_AT_MOST_S):
        await send(message)


async def _first_of(*parts: Awaitable[None]) -> None:
    """Until one of them ends; the others are cancelled, and waited for."""
    tasks = [asyncio.ensure_future(part) for part in parts]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
