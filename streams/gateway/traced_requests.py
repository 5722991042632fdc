"""What a request that writes tells of its trace, for what writes its events (`traced_sink.py`)."""

from __future__ import annotations

from collections.abc import Awaitable
from contextvars import ContextVar
from typing import NamedTuple

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from streams.clock import Clock
from streams.tracing.trace_context import TRACEPARENT, TraceContext, read_traceparent

_READS = frozenset(("GET", "HEAD", "OPTIONS"))
_NAME = TRACEPARENT.encode()


class Begun(NamedTuple):
    """A request: when it came, or what came of it before was accepted (ms since the epoch); and the span of
    the caller's that it belongs to.
    """

    at_ms: float
    parent: TraceContext | None


BEGUN: ContextVar[Begun | None] = ContextVar("BEGUN", default=None)
"""The request that is answered now; None where nobody asked: impressions are logged by the gateway itself."""


class TracedRequests:
    """The app around `app`, there where tracing is on alone. It costs a look at the headers, and no await."""

    def __init__(self, app: ASGIApp, clock: Clock) -> None:
        self._app, self._clock = app, clock

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == ScopeType.HTTP and scope["method"] not in _READS:
            parent = None
            for name, value in scope["headers"]:
                if name == _NAME:
                    parent = read_traceparent(value)
                    break
            BEGUN.set(Begun(self._clock.precise_ms(), parent))  # a server makes a task of each request
        return self._app(scope, receive, send)
