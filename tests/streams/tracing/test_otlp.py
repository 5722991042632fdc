from __future__ import annotations

import logging
from collections.abc import Iterator
from logging.handlers import BufferingHandler

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from streams.tracing.otlp import OtlpExporter, otlp_exporter
from streams.tracing.span import Span
from streams.tracing.trace_context import TraceContext
from tests.listening import nobody_listens
from tests.streams.tracing.receiver import Receiver

FIRST = Span("accept click", TraceContext(7, 8), 0, 1_000.0, 1_002.5, "server", {"headrace.event_id": "e"})
SECOND = Span(
    "send clicks",
    TraceContext(7, 9),
    8,
    1_001.25,
    1_002.0,
    "producer",
    {"n": 3},
    (TraceContext(5, 6),),
    error="the broker is down",
)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def test_spans_are_opentelemetry_s_own() -> None:
    memory = InMemorySpanExporter()
    assert OtlpExporter(memory, "headrace-gateway", "host:1").export([FIRST, SECOND]) == ""
    first, second = memory.get_finished_spans()
    assert (first.name, first.kind, first.parent) == ("accept click", SpanKind.SERVER, None)
    assert (first.context.trace_id, first.context.span_id) == (7, 8)
    assert (first.start_time, first.end_time) == (1_000_000_000, 1_002_500_000)
    assert first.attributes == {"headrace.event_id": "e"}
    assert first.status.status_code is StatusCode.UNSET
    assert first.resource.attributes["service.name"] == "headrace-gateway"
    assert (second.context.trace_id, second.context.span_id) == (7, 9)
    assert second.parent is not None
    assert (second.parent.trace_id, second.parent.span_id) == (7, 8)
    assert [(link.context.trace_id, link.context.span_id) for link in second.links] == [(5, 6)]
    assert (second.status.status_code, second.status.description) == (StatusCode.ERROR, "the broker is down")


def test_they_reach_a_receiver_over_http(receiver: Receiver) -> None:
    exporter = otlp_exporter(receiver.endpoint, 30, "headrace-worker", "host:1")
    assert exporter.export([FIRST, SECOND]) == ""
    exporter.close()
    received = receiver.spans()
    assert [(span.service, span.name, span.trace_id, span.parent_id) for span in received] == [
        ("headrace-worker", "accept click", 7, 0),
        ("headrace-worker", "send clicks", 7, 8),
    ]


def test_an_endpoint_that_is_not_there_is_named() -> None:
    handler = BufferingHandler(100)
    logging.getLogger().addHandler(handler)
    with nobody_listens() as port:
        exporter = otlp_exporter(f"http://127.0.0.1:{port}/v1/traces", 0.2, "headrace-worker", "host:1")
        assert f"{port}" in exporter.export([FIRST])
        exporter.close()
    logging.getLogger().removeHandler(handler)
    assert handler.buffer == [], "the SDK says nothing in the log: the queue does, once"


def test_no_key_of_an_endpoint_is_said() -> None:
    with nobody_listens() as port:
        where = f"http://ann:s3cret@127.0.0.1:{port}/v1/traces?api_key=s3cret"
        exporter = otlp_exporter(where, 0.2, "headrace-worker", "host:1")
        said = exporter.export([FIRST])
        exporter.close()
    assert str(port) in said
    assert "s3cret" not in said


def test_an_endpoint_that_refuses_says_why(receiver: Receiver) -> None:
    receiver.status = 400
    exporter = otlp_exporter(receiver.endpoint, 30, "headrace-worker", "host:1")
    assert "400" in exporter.export([FIRST])
    exporter.close()
