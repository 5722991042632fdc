"""Reads each event of a request body on its own, writes the events to Kafka, and answers for each.

msgspec splits a body that is JSON. In a body that is not, `streams.gateway.elements` finds the events.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta

from model.errors import EventError
from streams.clock import Clock
from streams.events.schema import AnyEvent, EventLimits, check_action, encode
from streams.events.strict_json import UNREADABLE, explained
from streams.gateway.answers import Answer
from streams.gateway.damaged_json import second_value
from streams.gateway.elements import ArrayError, split
from streams.gateway.errors import ProblemError, problem
from streams.gateway.metrics import GatewayMetrics
from streams.gateway.receipts import Result, receipt
from streams.kafka.producer import EventSink
from streams.settings.tree import Settings

Read = Callable[[bytes, int, EventLimits], AnyEvent]
"""Bytes, the time in ms and the limits to an event, or `EventError`."""

GROWTH, DEFAULTS_BYTES = 6, 512
"""How many times larger an event may become, and how many bytes the defaults of missing fields may add."""
IN_LINE_BYTES = 65_536
"""A thread splits a larger body that is not JSON, so that other requests do not wait."""


class AcceptedEvents(NamedTuple):
    """The result of each event, in order, and why Kafka did not confirm all of them; "" where it did."""

    results: list[Result]
    trouble: str


class EventIntake:
    """Takes the bodies of all routes that accept events."""

    def __init__(self, settings: Settings, sink: EventSink, clock: Clock, metrics: GatewayMetrics) -> None:
        self._settings = settings.gateway
        self._limits, self._actions = settings.events, settings.meanings.names
        self._sink = sink
        self._clock = clock
        self._metrics = metrics
        bounded = Meta(max_length=settings.gateway.events_max)
        self._many: msgspec.json.Decoder[list[msgspec.Raw]] = msgspec.json.Decoder(
            Annotated[list[msgspec.Raw], bounded]
        )

    async def take(self, body: bytes, read: Read) -> Answer:
        """Read, write and answer. Raises `ProblemError` for a body that can't be read as a whole."""
        many, raws = await self._split(body)
        taken = await self.take_each(raws, read, many)
        return receipt(taken.results, taken.trouble, self._settings.retry_after_s)

    async def take_each(self, raws: Sequence[bytes], read: Read, numbered: bool = False) -> AcceptedEvents:
        """Read and write events that are split already. `numbered`: say the place of those refused."""
        now_ms = self._clock.now_ms()
        events: list[AnyEvent] = []
        results: list[Result] = []
        for index, raw in enumerate(raws):
            try:
                event = read(raw, now_ms, self._limits)
                check_action(event, self._actions)
                self._check_size(event, raw)
            except EventError as error:
                self._metrics.count_event("unread", "rejected", error.reason)
                place = index if numbered else None
                results.append(
                    Result(status="rejected", reason=error.reason, message=str(error), index=place)
                )
            else:
                events.append(event)
                results.append(Result(status="accepted", event_id=event.event_id))
        trouble = await self._write(events, results, now_ms) if events else ""
        return AcceptedEvents(results, trouble)

    def count_refused(self, reason: str) -> None:
        """Count an event that was refused before it was read."""
        self._metrics.count_event("unread", "rejected", reason)

    def _check_size(self, event: AnyEvent, raw: bytes) -> None:
        """Refuse an event that a worker would find too large. An event may grow on its way to Kafka: missing
        fields get their defaults, 5 becomes 5.0, control characters become escapes.
        """
        most = self._limits.max_bytes
        if len(raw) > most // GROWTH - DEFAULTS_BYTES and (size := len(encode(event))) > most:
            raise EventError(
                "too_large", f"event has {size} bytes as Kafka gets it; at most {most} are accepted"
            )

    async def _split(self, body: bytes) -> tuple[bool, list[bytes]]:
        """Whether the body is an array, and the bytes of each event: its elements, or the body itself."""
        start = body[:1] if body[:1] in b"{[" else body.lstrip(b" \t\r\n")[:1]
        try:
            if start == b"[":
                return True, [bytes(raw) for raw in self._many.decode(body)]
            # This decodes only to tell a body that is not JSON (400) from an event that is wrong (422).
            msgspec.json.decode(body, type=msgspec.Raw)
        except msgspec.ValidationError:
            raise self._too_many() from None
        except UNREADABLE as error:
            if start != b"[":
                raise _not_json(body, explained(body, error)) from None
        else:
            return False, [body]
        return True, await self._split_broken(body)

    async def _split_broken(self, body: bytes) -> list[bytes]:
        most = self._settings.events_max
        try:
            if len(body) <= IN_LINE_BYTES:
                raws = split(body, most)
            else:
                raws = await asyncio.to_thread(split, body, most)
        except ArrayError as error:
            raise _not_json(body, str(error)) from None
        if len(raws) > most:
            raise self._too_many()
        return raws

    def _too_many(self) -> ProblemError:
        return ProblemError(
            problem(
                413,
                "too_many_events",
                expected=f"at most {self._settings.events_max} events in one request",
                came="a longer array",
                remedy="split it over several requests",
            )
        )

    async def _write(self, events: list[AnyEvent], results: list[Result], now_ms: int) -> str:
        """Write the events, and mark those that Kafka did not confirm. Returns why it did not, or ""."""
        started_s = time.perf_counter()
        delivery = await self._sink.deliver(events, now_ms, self._settings.timeout_ms / 1_000)
        self._metrics.produce_s.observe(time.perf_counter() - started_s)
        written = [result for result in results if result.status == "accepted"]
        for event, result, confirmed in zip(events, written, delivery.confirmed, strict=True):
            if not confirmed:
                result.status = "unconfirmed"
                result.reason = "kafka_unavailable"
            kind = str(type(event).__struct_config__.tag)
            self._metrics.count_event(kind, result.status, result.reason)
        return delivery.trouble


def _not_json(body: bytes, trouble: str) -> ProblemError:
    remedy = "send JSON in UTF-8, not compressed; GET /schema describes the events"
    second = second_value(body[:IN_LINE_BYTES])
    if second is not None:
        trouble += f"; another JSON value begins at byte {second}"
        remedy = (
            "send several events as one array, `[...]` with commas; or as lines, with the header"
            " Content-Type: application/x-ndjson"
        )
    return ProblemError(
        problem(
            400,
            "not_json",
            expected="one event as a JSON object, or an array of them",
            came=f"{len(body)} bytes: {trouble}",
            remedy=remedy,
        )
    )
