"""Decides which accepted events are traced, and tells their way from the request into Kafka.

This is where it is decided, for all processes: a record of an event that is traced has a header that says
so, and no other one has. An event has two spans here: *accept*, from the request to the acknowledgement, and
within it *send*, whose number the header carries.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from streams.clock import Clock
from streams.events.schema import TOPIC_OF, AnyEvent
from streams.gateway.traced_requests import BEGUN
from streams.kafka.producer import Acknowledgement, EventSink
from streams.tracing.span import Attributes, Span, another
from streams.tracing.trace_context import TraceContext, traceparent
from streams.tracing.tracing import Tracing

UNCONFIRMED = "Kafka has not acknowledged the event"


class CarryingSink(EventSink, Protocol):
    """A sink that can write a header beside an event."""

    async def deliver(
        self,
        events: Sequence[AnyEvent],
        accepted_ms: int,
        timeout_s: float,
        traceparents: Sequence[bytes | None] = (),
    ) -> Acknowledgement:
        """`traceparents`: one for each event, None for one that is not traced; or none at all."""
        ...


class TracedSink:
    """The sink `sink`, with traces."""

    def __init__(self, sink: CarryingSink, tracing: Tracing, clock: Clock) -> None:
        self._sink, self._tracing, self._clock = sink, tracing, clock

    async def start(self) -> None:
        await self._sink.start()

    async def deliver(
        self, events: Sequence[AnyEvent], accepted_ms: int, timeout_s: float
    ) -> Acknowledgement:
        begun = BEGUN.get()
        parent = begun.parent if begun is not None else None
        traced: dict[int, TraceContext] = {}
        for at, event in enumerate(events):
            if (context := self._tracing.chosen(event.event_id, parent)) is not None:
                traced[at] = context
        if not traced:
            return await self._sink.deliver(events, accepted_ms, timeout_s)
        sends = {at: another(context) for at, context in traced.items()}
        headers = [traceparent(sends[at]) if at in sends else None for at in range(len(events))]
        sent_ms = self._clock.precise_ms()
        try:
            delivery = await self._sink.deliver(events, accepted_ms, timeout_s, headers)
        finally:
            ended_ms = self._clock.precise_ms()
        begun_ms = begun.at_ms if begun is not None else sent_ms
        spans = []
        for at, context in traced.items():
            error = "" if delivery.confirmed[at] else delivery.trouble or UNCONFIRMED
            event, above = events[at], parent.span_id if parent is not None else 0
            told = _told(event)
            spans += [
                Span(
                    f"accept {told['headrace.event_type']}",
                    context,
                    above,
                    begun_ms,
                    ended_ms,
                    "server",
                    told,
                    (),
                    error,
                ),
                Span(
                    f"send {TOPIC_OF[type(event)]}",
                    sends[at],
                    context.span_id,
                    sent_ms,
                    ended_ms,
                    "producer",
                    {**told, "messaging.system": "kafka", "messaging.operation.name": "send"},
                    (),
                    error,
                ),
            ]
        self._tracing.put(spans)
        return delivery

    async def check(self, timeout_s: float) -> None:
        await self._sink.check(timeout_s)

    async def stop(self) -> None:
        await self._sink.stop()


def _told(event: AnyEvent) -> Attributes:
    """No user and no item: traces are read by more people than the store."""
    return {
        "headrace.event_id": event.event_id,
        "headrace.event_type": str(type(event).__struct_config__.tag),
    }
