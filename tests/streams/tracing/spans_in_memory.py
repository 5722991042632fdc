"""An exporter that keeps spans, and finds its way in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry

from streams.settings.tracing import TracingSettings
from streams.tracing.event_trace import event_trace
from streams.tracing.metrics import TracingMetrics
from streams.tracing.span import Span
from streams.tracing.span_queue import SpanQueue
from streams.tracing.tracing import Tracing


@dataclass
class Kept:
    """Takes everything; `trouble`: or nothing, for this reason."""

    spans: list[Span] = field(default_factory=list)
    trouble: str = ""
    closed: bool = False

    def export(self, spans: Sequence[Span]) -> str:
        if not self.trouble:
            self.spans += spans
        return self.trouble

    def close(self) -> None:
        self.closed = True


class TracingInMemory:
    """A process's tracing whose spans stay here."""

    def __init__(self, settings: TracingSettings) -> None:
        self.registry, self.kept = CollectorRegistry(), Kept()
        metrics = TracingMetrics(self.registry)
        self.tracing = Tracing(settings, SpanQueue(self.kept, metrics, settings.queue_spans), metrics)

    def counted(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(f"headrace_tracing_{name}", labels) or 0.0

    def spans(self) -> list[Span]:
        """All of them; ends the tracing."""
        self.tracing.close()
        return self.kept.spans


def of_event(spans: Sequence[Span], event_id: str) -> dict[str, Span]:
    """The spans of the event's own trace, by name."""
    trace = event_trace(event_id).trace_id
    return {span.name: span for span in spans if span.context.trace_id == trace}
