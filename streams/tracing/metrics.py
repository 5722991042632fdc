"""What becomes of traces, in the registry of the process that makes them."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge


class TracingMetrics:
    """There where tracing is on alone."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        events = Counter(
            "headrace_tracing_events",
            "Events that were chosen for a trace, by result (traced, or over: beyond tracing.events_per_s).",
            ("result",),
            registry=registry,
        )
        self.traced, self.over = events.labels("traced"), events.labels("over")
        spans = Counter(
            "headrace_tracing_spans",
            "Spans, by result (exported; dropped: the queue was full; failed: the endpoint took none).",
            ("result",),
            registry=registry,
        )
        self.exported, self.dropped = spans.labels("exported"), spans.labels("dropped")
        self.failed = spans.labels("failed")
        self.waiting = Gauge(
            "headrace_tracing_waiting_spans", "Spans that wait to be exported.", registry=registry
        )
