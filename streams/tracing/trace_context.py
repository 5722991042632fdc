"""The header `traceparent`: which trace a caller is in, and whether it is recorded (W3C Trace Context 1:
https://www.w3.org/TR/trace-context-1/#traceparent-header).
"""

from __future__ import annotations

import re
from typing import NamedTuple

TRACEPARENT = "traceparent"
"""Of HTTP, and of Kafka's records."""

_HEADER = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_SAMPLED = 1


class TraceContext(NamedTuple):
    """A span by the numbers of its trace (128 bits) and of itself (64 bits), neither of them 0."""

    trace_id: int
    span_id: int
    sampled: bool = True


def read_traceparent(header: bytes | None) -> TraceContext | None:
    """What a header says; None for one that says nothing.

    >>> read_traceparent(b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").sampled
    True
    >>> read_traceparent(b"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01") is None
    True
    """
    found = _HEADER.fullmatch(header or b"")
    if found is None or found[1] == b"ff" or (found[1] == b"00" and found[5]):
        return None
    trace_id, span_id = int(found[2], 16), int(found[3], 16)
    if not trace_id or not span_id:
        return None
    return TraceContext(trace_id, span_id, bool(int(found[4], 16) & _SAMPLED))


def traceparent(context: TraceContext) -> bytes:
    """The header of a context.

    >>> traceparent(TraceContext(1, 2))
    b'00-00000000000000000000000000000001-0000000000000002-01'
    """
    return b"00-%032x-%016x-%02x" % (context.trace_id, context.span_id, context.sampled)
