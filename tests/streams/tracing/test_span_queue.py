from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

import pytest
from prometheus_client import CollectorRegistry

from streams.tracing.metrics import TracingMetrics
from streams.tracing.span import Span, new_trace
from streams.tracing.span_queue import EXPORT_SPANS, SpanQueue
from tests.streams.tracing.spans_in_memory import Kept


def spans(count: int) -> list[Span]:
    return [Span(f"s{at}", new_trace(), 0, 1.0, 2.0) for at in range(count)]


class Stuck(Kept):
    """An endpoint that does not answer before it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.let_go = threading.Event(), threading.Event()

    def export(self, spans: Sequence[Span]) -> str:
        self.asked.set()
        self.let_go.wait(60)
        return super().export(spans)


class Broken(Kept):
    def export(self, spans: Sequence[Span]) -> str:
        raise OSError("no route")


class World:
    def __init__(self, exporter: Kept, most: int = 1_000) -> None:
        self.registry = CollectorRegistry()
        self.queue = SpanQueue(exporter, TracingMetrics(self.registry), most)

    def counted(self, result: str) -> float:
        return self.registry.get_sample_value("headrace_tracing_spans_total", {"result": result}) or 0.0


def test_what_waits_is_exported_in_order_when_it_is_closed() -> None:
    kept = Kept()
    world, these = World(kept), spans(3 * EXPORT_SPANS + 1)
    for span in these:
        world.queue.put([span])
    world.queue.close(60)
    assert kept.spans == these
    assert kept.closed
    assert world.counted("exported") == len(these)


def test_a_full_queue_drops_and_counts_and_nobody_waits() -> None:
    stuck = Stuck()
    world = World(stuck, most=EXPORT_SPANS)
    world.queue.put(spans(EXPORT_SPANS))
    assert stuck.asked.wait(60)  # these are on their way now
    world.queue.put(spans(EXPORT_SPANS))
    world.queue.put(spans(5))
    assert world.counted("dropped") == 5
    assert world.registry.get_sample_value("headrace_tracing_waiting_spans") == EXPORT_SPANS
    stuck.let_go.set()
    world.queue.close(60)
    assert world.counted("exported") == 2 * EXPORT_SPANS


def test_closing_does_not_wait_for_an_endpoint_that_does_not_answer() -> None:
    stuck = Stuck()
    world = World(stuck)
    world.queue.put(spans(EXPORT_SPANS))
    assert stuck.asked.wait(60)
    world.queue.put(spans(7))
    world.queue.close(0.01)
    assert world.counted("dropped") == 7
    stuck.let_go.set()


@pytest.mark.parametrize("exporter", [Kept(trouble="it is full"), Broken()])
def test_trouble_is_said_once_and_counted(exporter: Kept, caplog: pytest.LogCaptureFixture) -> None:
    world = World(exporter)
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            world.queue.put(spans(EXPORT_SPANS))
        world.queue.close(60)
    assert world.counted("failed") == 3 * EXPORT_SPANS
    (said,) = [record for record in caplog.records if "spans are not taken" in record.message]
    assert "it is full" in said.message or "no route" in said.message


def test_the_end_of_trouble_is_said_too(caplog: pytest.LogCaptureFixture) -> None:
    kept = Kept(trouble="away")
    world = World(kept)
    with caplog.at_level(logging.INFO):
        world.queue.put(spans(EXPORT_SPANS))
        while not world.counted("failed"):
            threading.Event().wait(0.001)
        kept.trouble = ""
        world.queue.put(spans(1))
        world.queue.close(60)
    assert [record.message for record in caplog.records][-1] == "spans are taken again"
