"""The trace of an event, which its id alone tells.

An event that comes without a trace of its own gets one whose number is a hash of its `event_id`. So whoever
knows the event finds its trace, a repeated event has the same one, and no process needs to ask another one
whether it is sampled.
"""

from __future__ import annotations

from hashlib import blake2b

from streams.tracing.trace_context import TraceContext

_LOW_MOST = 1 << 64


def event_trace(event_id: str) -> TraceContext:
    """The first span of the event's own trace.

    >>> event_trace("c-1") == event_trace("c-1") != event_trace("c-2")
    True
    """
    digest = _digest(event_id)
    return TraceContext(
        int.from_bytes(digest[:16], "big") or 1, int.from_bytes(digest[16:], "big") or 1, sampled=True
    )


class EventSampler:
    """Says whether an event's own trace is among the share `ratio` of all: by the low half of its number, as
    OpenTelemetry's sampler TraceIdRatioBased decides it. This is asked of every event.

    >>> EventSampler(1.0).takes("c-1"), EventSampler(0.0).takes("c-1")
    (True, False)
    """

    def __init__(self, ratio: float) -> None:
        # As bytes, which compare as the numbers do. All of them are below nine bytes.
        self._below = round(ratio * _LOW_MOST).to_bytes(9, "big")

    def takes(self, event_id: str) -> bool:
        return b"\0" + _digest(event_id)[8:16] < self._below


def _digest(event_id: str) -> bytes:
    """16 bytes for the trace and 8 for its first span."""
    return blake2b(event_id.encode("utf-8", "surrogatepass"), digest_size=24).digest()
