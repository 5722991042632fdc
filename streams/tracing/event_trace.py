"""The trace of an event, which its id alone tells.

An event that comes without a trace of its own gets one whose number is a hash of its `event_id`. So whoever
knows the event finds its trace, a repeated event has the same one, and no process needs to ask another one
whether it is sampled.
"""

from __future__ import annotations

from hashlib import blake2b

from streams.tracing.trace_context import TraceContext

_LOW = (1 << 64) - 1


def event_trace(event_id: str) -> TraceContext:
    """The first span of the event's own trace.

    >>> event_trace("c-1") == event_trace("c-1") != event_trace("c-2")
    True
    """
    digest = blake2b(
        event_id.encode("utf-8", "surrogatepass"), digest_size=24, person=b"headrace-trace"
    ).digest()
    return TraceContext(
        int.from_bytes(digest[:16], "big") or 1, int.from_bytes(digest[16:], "big") or 1, sampled=True
    )


def is_sampled(trace_id: int, ratio: float) -> bool:
    """Whether a trace is among the share `ratio` of all: by its low half, as OpenTelemetry's sampler
    TraceIdRatioBased decides it.

    >>> is_sampled(1, 1.0), is_sampled(1, 0.0)
    (True, False)
    """
    return (trace_id & _LOW) < round(ratio * (_LOW + 1))
