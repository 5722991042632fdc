"""The last span of an event's trace: the feed that came of it has gone out to one who follows it.

A feed names the event that caused it, and the event's own trace follows from that name. So this is chosen as
gateways choose events; of a caller's trace a feed knows nothing, and such a trace has no push.
"""

from __future__ import annotations

from streams.clock import Clock
from streams.gateway.live.follower import LiveFeed
from streams.tracing.span import Span, another
from streams.tracing.tracing import Tracing


class TracedPushes:
    """Tells of feeds that were pushed; there where tracing is on alone."""

    def __init__(self, tracing: Tracing, clock: Clock) -> None:
        self._tracing, self._clock = tracing, clock

    def sent(self, feed: LiveFeed, kind: str) -> None:
        """A feed went out on a connection of this kind: from when the worker began to write it until now."""
        slate = feed.shown.slate
        if feed.made_ms is None or not slate.cause:
            return  # it is no news: the client has come after the event
        if (event := self._tracing.chosen(slate.cause, None)) is None:
            return
        told = {
            "headrace.event_id": slate.cause,
            "headrace.slate_id": slate.slate_id,
            "headrace.connection": kind,
        }
        began_ms = slate.times.get("pushed") or feed.made_ms
        ended_ms = max(began_ms, self._clock.precise_ms())
        self._tracing.put([Span("push", another(event), event.span_id, began_ms, ended_ms, "producer", told)])
