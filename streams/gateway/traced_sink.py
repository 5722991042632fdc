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
KAFKA = {"messaging.system": "kafka", "messaging.operation.name": "send"}


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
        if begun is not None:  # what comes later in the same body was not there yet
            BEGUN.set(begun._replace(at_ms=accepted_ms))
        if not traced:
            return await self._sink.deliver(events, accepted_ms, timeout_s)
        sends = {at: another(context) for at, context in traced.items()}
        headers = [traceparent(sends[at]) if at in sends else None for at in range(len(events))]
        sent_ms = self._clock.precise_ms()
        delivery = await self._sink.deliver(events, accepted_ms, timeout_s, headers)
        ended_ms = self._clock.precise_ms()
        begun_ms, above = (sent_ms, 0) if begun is None else (begun.at_ms, parent.span_id if parent else 0)
        for at, context in traced.items():
            error = "" if delivery.confirmed[at] else delivery.trouble or UNCONFIRMED
            told, topic = _told(events[at]), TOPIC_OF[type(events[at])]
            name, sent = f"accept {told['headrace.event_type']}", {**told, **KAFKA}
            accept = Span(name, context, above, begun_ms, ended_ms, "server", told, error=error)
            send = Span(
                f"send {topic}",
                *(sends[at], context.span_id, sent_ms, ended_ms, "producer", sent),
                error=error,
            )
            self._tracing.put((accept, send))
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
