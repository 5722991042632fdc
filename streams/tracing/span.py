"""A span that has ended: what happened between two moments, in which trace."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Literal, NamedTuple

from streams.tracing.trace_context import TraceContext

Kind = Literal["internal", "server", "client", "producer", "consumer"]
Value = str | int | float
Attributes = Mapping[str, Value]


class Span(NamedTuple):
    """`start_ms` and `end_ms`: since the epoch. `parent_id`: 0 for the first one of a trace. `links`: spans
    of other traces. `error`: why it failed; "" where it did not.
    """

    name: str
    context: TraceContext
    parent_id: int
    start_ms: float
    end_ms: float
    kind: Kind = "internal"
    attributes: Mapping[str, Value] = {}
    links: tuple[TraceContext, ...] = ()
    error: str = ""


def another(context: TraceContext) -> TraceContext:
    """A further span of the same trace."""
    return context._replace(span_id=random.getrandbits(64) or 1)


def new_trace() -> TraceContext:
    """The first span of a trace that no event tells."""
    return TraceContext(random.getrandbits(128) or 1, random.getrandbits(64) or 1)
