"""The trace of one event through the real gateway app and a worker's real parts, with a list for Kafka."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from litestar.testing import TestClient

from streams.clock import SystemClock
from streams.events.schema import TOPIC_OF, AnyEvent, encode, key_of
from streams.gateway.app import create_app
from streams.gateway.line_stream import AT_ONCE
from streams.gateway.traced_requests import TracedRequests
from streams.gateway.traced_sink import TracedSink
from streams.kafka.message import Headers, Message
from streams.kafka.producer import Acknowledgement
from streams.settings.tracing import TracingSettings
from streams.settings.tree import Settings
from streams.stores.memory import MemoryStore
from streams.tracing.event_trace import event_trace
from streams.tracing.span import Span
from streams.tracing.trace_context import TraceContext, traceparent
from streams.worker.traced_batches import TracedBatches
from tests.streams.gateway.conftest import NOW_MS, RecordingSink
from tests.streams.tracing.spans_in_memory import TracingInMemory, of_event
from tests.streams.worker.conftest import Desk

CALLER = TraceContext(0xABC, 0xDEF)


@dataclass
class Log(RecordingSink):
    """Kafka: what is delivered, with its headers."""

    records: list[Message] = field(default_factory=list)

    async def deliver(
        self,
        events: Sequence[AnyEvent],
        accepted_ms: int,
        timeout_s: float,
        traceparents: Sequence[bytes | None] = (),
    ) -> Acknowledgement:
        acknowledged = await super().deliver(events, accepted_ms, timeout_s)
        for at, (event, confirmed) in enumerate(zip(events, acknowledged.confirmed, strict=True)):
            headers: list[tuple[str, bytes | None]] = [("headrace-accepted", b"%d" % accepted_ms)]
            if traceparents and traceparents[at] is not None:
                headers.append(("traceparent", traceparents[at]))
            if confirmed:
                offset = sum(record.topic == TOPIC_OF[type(event)] for record in self.records)
                self.records.append(_record(event, headers, offset))
        return acknowledged


def _record(event: AnyEvent, headers: Headers, offset: int) -> Message:
    return Message(TOPIC_OF[type(event)], 0, offset, NOW_MS, key_of(event), encode(event), headers)


class World:
    """A gateway and a worker; each traces."""

    def __init__(self, tracing: TracingSettings) -> None:
        settings = Settings(tracing=tracing)
        self.log, self.store = Log(), MemoryStore()
        self.gateway, self.worker = TracingInMemory(tracing), TracingInMemory(tracing)
        clock = SystemClock()
        sink = TracedSink(self.log, self.gateway.tracing, clock)
        app: Any = TracedRequests(create_app(settings, self.store, sink, clock), clock)
        self.client = TestClient(app, raise_server_exceptions=False)
        self.desk = Desk(self.store, settings)
        self.desk.batches._traces = TracedBatches(self.worker.tracing)

    def send(self, body: object, trace: TraceContext | None = None) -> int:
        headers = {} if trace is None else {"traceparent": traceparent(trace).decode()}
        return self.client.post("/v1/events", json=body, headers=headers).status_code

    async def work(self) -> None:
        """One batch of all that Kafka has."""
        self.desk.clock.ms = SystemClock().now_ms()
        assert len(await self.desk.take(*map(self.desk.batches.early, self.log.records))) == len(
            self.log.records
        )

    def spans(self) -> list[Span]:
        return self.gateway.spans() + self.worker.spans()


@pytest.fixture
def all_traced() -> Iterator[World]:
    world = World(TracingSettings(ratio=1.0, events_per_s=1_000))
    with world.client:
        yield world


def click(event_id: str, user: str = "ann", **more: object) -> dict[str, object]:
    return {"type": "click", "event_id": event_id, "ts": NOW_MS, "user_id": user, "item_id": "i1", **more}


async def test_an_event_is_found_by_its_id_from_the_request_to_the_push(all_traced: World) -> None:
    items = [
        {"type": "item", "event_id": name, "ts": NOW_MS, "item_id": name, "title": name}
        for name in ("i1", "i2")
    ]
    assert all_traced.send(items) == 202
    assert all_traced.send(click("e-1")) == 202
    await all_traced.work()
    spans = all_traced.spans()
    own = of_event(spans, "e-1")
    parts = ["queue", "read", "load", "fold", "rank", "write and push"]
    assert list(own) == ["accept click", "send clicks", "process clicks", *parts]
    parents = {name: span.parent_id for name, span in own.items()}
    accept, send, process = (
        own[name].context.span_id for name in ("accept click", "send clicks", "process clicks")
    )
    assert accept == event_trace("e-1").span_id
    assert parents == {
        "accept click": 0,
        "send clicks": accept,
        "process clicks": send,
        **dict.fromkeys(parts, process),
    }
    assert len({span.context.span_id for span in own.values()}) == len(own)
    for name in ("accept click", "send clicks", "process clicks"):
        assert own[name].attributes["headrace.event_id"] == "e-1"
    feed = await all_traced.store.feed("ann")
    assert feed is not None
    assert own["process clicks"].attributes["headrace.result"] == "applied"
    assert str(own["process clicks"].attributes["headrace.slate_id"]).encode() in feed


async def test_parts_lie_within_their_wholes_and_in_order(all_traced: World) -> None:
    assert all_traced.send(click("e-1")) == 202
    await all_traced.work()
    own = of_event(all_traced.spans(), "e-1")
    for name, span in own.items():
        assert span.start_ms <= span.end_ms, name
    assert own["accept click"].start_ms <= own["send clicks"].start_ms
    assert own["send clicks"].end_ms <= own["accept click"].end_ms


async def test_a_batch_links_to_the_events_that_it_is_of(all_traced: World) -> None:
    assert all_traced.send([click("e-1", "ann"), click("e-2", "bob"), click("e-3", "cid")]) == 202
    await all_traced.work()
    spans = all_traced.spans()
    (batch,) = [span for span in spans if span.name == "batch"]
    processes = [span for span in spans if span.name == "process clicks"]
    assert len(processes) == 3
    assert set(batch.links) == {span.context for span in processes}
    assert {link for span in processes for link in span.links} == {batch.context}
    assert batch.attributes == {"headrace.events": 3, "headrace.traced": 3}
    assert batch.context.trace_id not in {span.context.trace_id for span in processes}


async def test_a_caller_s_trace_goes_on(all_traced: World) -> None:
    assert all_traced.send(click("e-1"), CALLER) == 202
    await all_traced.work()
    spans = {span.name: span for span in all_traced.spans() if span.context.trace_id == CALLER.trace_id}
    assert spans["accept click"].parent_id == CALLER.span_id
    assert spans["process clicks"].parent_id == spans["send clicks"].context.span_id
    assert spans["process clicks"].attributes["headrace.event_id"] == "e-1"


def test_every_route_that_writes_is_traced(all_traced: World) -> None:
    headers, put = {"traceparent": traceparent(CALLER).decode()}, all_traced.client.put
    assert put("/v1/items/x", json={"title": "Strings"}, headers=headers).is_success
    assert put("/v1/users/x", json={"profile": {"country": "DE"}}, headers=headers).is_success
    lines = {**headers, "content-type": "application/x-ndjson"}
    assert all_traced.client.post("/v1/events", content=json.dumps(click("e")), headers=lines).is_success
    accepts = [span for span in all_traced.spans() if span.name.startswith("accept")]
    assert [span.name for span in accepts] == ["accept item", "accept user", "accept click"]
    assert {(span.context.trace_id, span.parent_id) for span in accepts} == {CALLER[:2]}


def test_a_line_of_a_stream_begins_when_the_one_before_it_was_accepted() -> None:
    """And not with the request, which may be hours old."""
    world = World(TracingSettings(ratio=1.0, events_per_s=1_000))
    bodies = [json.dumps(click(f"e-{number}")) + "\n" for number in range(200)]  # more than one turn takes
    with world.client:
        headers = {"content-type": "application/x-ndjson"}
        assert world.client.post("/v1/events", content="".join(bodies), headers=headers).is_success
    begun = Counter(span.start_ms for span in world.gateway.spans() if span.name == "accept click")
    assert list(begun.values()) == [AT_ONCE, 200 - AT_ONCE]


async def test_what_is_not_sampled_has_no_header_and_no_span() -> None:
    world = World(TracingSettings(ratio=1.0))
    with world.client:
        assert world.send(click("e-1"), CALLER._replace(sampled=False)) == 202
    await world.work()
    (record,) = world.log.records
    assert "traceparent" not in dict(record.headers)
    assert world.spans() == []


async def test_with_a_ratio_the_same_events_are_traced_everywhere() -> None:
    world = World(TracingSettings(ratio=0.3, events_per_s=1_000))
    with world.client:
        assert world.send([click(f"e-{number}", f"u{number}") for number in range(100)]) == 202
    await world.work()
    spans = world.spans()
    by_name = {
        name: {span.context.trace_id for span in spans if span.name == name}
        for name in ("accept click", "send clicks", "process clicks")
    }
    assert 10 < len(by_name["accept click"]) < 60
    assert by_name["accept click"] == by_name["send clicks"] == by_name["process clicks"]


async def test_what_becomes_of_an_event_is_told(all_traced: World) -> None:
    """Once more, already known, and one that no rule lets in."""
    assert all_traced.send(click("e-1")) == 202
    await all_traced.work()
    all_traced.log.records.clear()
    assert all_traced.send(click("e-1")) == 202
    repeated = all_traced.log.records[0]._replace(offset=1)
    broken = repeated._replace(offset=2, value=b"{}")
    await all_traced.desk.take(*map(all_traced.desk.batches.early, (repeated, broken)))
    told = [span for span in all_traced.worker.spans() if span.name == "process clicks"]
    assert [span.attributes["headrace.result"] for span in told] == ["applied", "skipped", "dead_letter"]
    assert told[1].attributes["headrace.reason"] == "duplicate"
    assert told[2].error == "invalid"


def test_an_event_that_kafka_did_not_take_has_an_error(all_traced: World) -> None:
    all_traced.log.confirms = 0
    assert all_traced.send(click("e-1")) == 503
    own = of_event(all_traced.spans(), "e-1")
    assert own["accept click"].error == own["send clicks"].error == "the broker is down"


def test_an_odd_header_is_as_none(all_traced: World) -> None:
    headers = ["", "00-0-0-01", "x" * 4_000, "00-" + "f" * 32 + "-" + "0" * 16 + "-01"]
    for number, header in enumerate(headers):
        event, told = click(f"e-{number}"), {"traceparent": header}
        assert all_traced.client.post("/v1/events", json=event, headers=told).status_code == 202
    spans = all_traced.spans()
    for number in range(len(headers)):
        assert set(of_event(spans, f"e-{number}")) == {"accept click", "send clicks"}


def test_traces_name_no_user_and_no_item(all_traced: World) -> None:
    assert all_traced.send(click("e-1", "user-secret", surface="home")) == 202
    assert "user-secret" not in repr(all_traced.spans())
