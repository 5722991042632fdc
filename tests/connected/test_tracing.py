"""One event's trace over a real Kafka and a real Valkey, to an OTLP receiver of the test's own."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from streams.settings.connections import KafkaSettings, RedisSettings
from streams.settings.tree import Settings
from streams.tracing.event_trace import event_trace
from streams.tracing.trace_context import TraceContext, traceparent
from tests.connected.gateway_process import gateway
from tests.connected.test_gateway import is_ready, now_ms, until
from tests.connected.worker_process import WorkerProcess, worker
from tests.streams.tracing.receiver import Receiver

CALLER = TraceContext(0xABC, 0xDEF)


def on(endpoint: str) -> dict[str, str]:
    return {
        "HEADRACE_TRACING__ENABLED": "true",
        "HEADRACE_TRACING__RATIO": "1.0",
        "HEADRACE_TRACING__ENDPOINT": endpoint,
        "HEADRACE_TRACING__TIMEOUT_MS": "500",
    }


class Stack:
    """A gateway and a worker that trace to the same place."""

    def __init__(self, client: httpx.Client, worker: WorkerProcess) -> None:
        self.client, self.worker = client, worker

    def send(self, *events: dict[str, Any], **headers: str) -> None:
        until(lambda: is_ready(self.client))
        answer = self.client.post("/v1/events", json=list(events), headers=headers)
        assert answer.status_code == 202, answer.text


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def event(kind: str, **more: object) -> dict[str, Any]:
    return {"type": kind, "event_id": uuid.uuid4().hex, "ts": now_ms(), **more}


def item(item_id: str) -> dict[str, Any]:
    return event("item", item_id=item_id, title=f"Item {item_id}")


def click(user: str = "ann") -> dict[str, Any]:
    return event("click", user_id=user, item_id="i1")


@pytest.mark.connected
def test_an_event_is_followed_through_both_processes(
    tmp_path: Path, settings: Settings, prefix: str, receiver: Receiver
) -> None:
    kafka, redis = settings.kafka, settings.redis
    with (
        worker(tmp_path, kafka, redis, on(receiver.endpoint)) as working,
        gateway(tmp_path, kafka.bootstrap, redis.url, prefix, more=on(receiver.endpoint)) as serving,
    ):
        stack, own, called = Stack(serving.client, working), click(), click("bob")
        stack.send(item("i1"), item("i2"), item("i3"))
        stack.send(own)
        stack.send(called, traceparent=traceparent(CALLER).decode())

        in_order = ["accept click", "send clicks", "queue", "read", "load", "fold", "write and push"]
        whole = {*in_order, "process clicks"}
        trace = receiver.trace(event_trace(own["event_id"]).trace_id, until=whole)
        assert {trace[name].service for name in ("accept click", "send clicks")} == {"headrace-gateway"}
        assert trace["process clicks"].service == trace["write and push"].service == "headrace-worker"
        assert trace["accept click"].parent_id == 0
        assert trace["send clicks"].parent_id == trace["accept click"].span_id
        assert trace["process clicks"].parent_id == trace["send clicks"].span_id
        assert trace["process clicks"].attributes["headrace.event_id"] == own["event_id"]
        assert trace["process clicks"].attributes["headrace.result"] == "applied"
        starts = [trace[name].start_ns for name in in_order]
        assert starts == sorted(starts), dict(zip(in_order, starts, strict=True))
        assert trace["process clicks"].end_ns >= trace["write and push"].end_ns

        theirs = receiver.trace(CALLER.trace_id, until=whole)
        assert theirs["accept click"].parent_id == CALLER.span_id
        assert theirs["process clicks"].attributes["headrace.event_id"] == called["event_id"]
        (link,) = trace["process clicks"].links
        (batch,) = receiver.trace(link[0], until={"batch"}).values()
        assert (batch.trace_id, batch.span_id) == link
        assert (trace["process clicks"].trace_id, trace["process clicks"].span_id) in batch.links
        assert working.metric("headrace_tracing_spans_total", result="exported") > 0


@pytest.mark.connected
def test_an_endpoint_that_is_away_holds_nothing_up(
    tmp_path: Path, kafka_settings: KafkaSettings, redis_settings: RedisSettings, prefix: str
) -> None:
    away = on("http://127.0.0.1:9/v1/traces") | {"HEADRACE_TRACING__QUEUE_SPANS": "128"}
    with (
        worker(tmp_path, kafka_settings, redis_settings, away) as working,
        gateway(tmp_path, kafka_settings.bootstrap, redis_settings.url, prefix, more=away) as serving,
    ):
        stack = Stack(serving.client, working)
        stack.send(item("i1"), item("i2"))
        for _ in range(5):
            stack.send(*[click(f"u{number}") for number in range(20)])
        until(lambda: working.metric("headrace_worker_events_total", result="applied") == 102)
        until(lambda: working.metric("headrace_tracing_spans_total", result="failed") > 0)
        assert working.metric("headrace_tracing_spans_total", result="dropped") > 0
        assert working.ready()
        for log in (working.log(), serving.log()):
            assert log.count("spans are not taken") <= 1
        assert working.log().count("spans are not taken") == 1
        assert "opentelemetry" not in working.log()
    assert working.process.returncode == 0, "it ends in time"
