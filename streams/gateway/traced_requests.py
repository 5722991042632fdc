"""What a request that writes tells of its trace, for what writes its events (`traced_sink.py`)."""

from __future__ import annotations

from contextvars import ContextVar
from typing import NamedTuple

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from streams.clock import Clock
from streams.tracing.trace_context import TRACEPARENT, TraceContext, read_traceparent

_READS = frozenset(("GET", "HEAD", "OPTIONS"))
_NAME = TRACEPARENT.encode()


class Begun(NamedTuple):
    """A request: when it came (ms since the epoch), and which span of the caller's it belongs to."""

    at_ms: float
    parent: TraceContext | None


BEGUN: ContextVar[Begun | None] = ContextVar("BEGUN", default=None)
"""The request that is answered now; None where nobody asked: impressions are logged by the gateway itself."""


class TracedRequests:
    """The app around `app`; there where tracing is on alone."""

    def __init__(self, app: ASGIApp, clock: Clock) -> None:
        self._app, self._clock = app, clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or scope["method"] in _READS:
            await self._app(scope, receive, send)
            return
        header = next((value for name, value in scope["headers"] if name == _NAME), None)
        token = BEGUN.set(Begun(self._clock.precise_ms(), read_traceparent(header)))
        try:
            await self._app(scope, receive, send)
        finally:
            BEGUN.reset(token)
