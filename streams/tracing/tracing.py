"""Which events a process traces, and what becomes of their spans."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Sequence

from prometheus_client import CollectorRegistry

from model.errors import SettingsError
from streams.settings.tracing import TracingSettings
from streams.settings.tree import Settings
from streams.tracing.event_trace import EventSampler, event_trace
from streams.tracing.metrics import TracingMetrics
from streams.tracing.span import Span
from streams.tracing.span_queue import SpanQueue
from streams.tracing.trace_context import TraceContext

CLOSE_WITHIN_S = 2.0


class Tracing:
    """Belongs to the loop of its process; `put` alone may be called in any thread."""

    def __init__(
        self,
        settings: TracingSettings,
        queue: SpanQueue,
        metrics: TracingMetrics,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings, self._queue, self._metrics, self._now_s = settings, queue, metrics, now_s
        self._sampler = EventSampler(settings.ratio)
        self._second, self._chosen = 0, 0

    def chosen(self, event_id: str, parent: TraceContext | None) -> TraceContext | None:
        """The event's first span in this deployment, in its caller's trace or one of its own; None where the
        event is not traced.
        """
        if not (self._sampler.takes(event_id) if parent is None else parent.sampled) or not self.admits():
            return None
        own = event_trace(event_id)
        return own if parent is None else own._replace(trace_id=parent.trace_id)

    def admits(self) -> bool:
        """Whether another event may be traced in this second: a caller that has all of its requests traced
        must not cost more than the settings allow.
        """
        second = int(self._now_s())
        if second != self._second:
            self._second, self._chosen = second, 0
        self._chosen += 1
        over = self._chosen > self._settings.events_per_s
        (self._metrics.over if over else self._metrics.traced).inc()
        return not over

    def put(self, spans: Sequence[Span]) -> None:
        """Send them; returns at once."""
        self._queue.put(spans)

    def close(self) -> None:
        """Send what waits, for two seconds at most."""
        self._queue.close(CLOSE_WITHIN_S)


def open_tracing(settings: Settings, service: str, registry: CollectorRegistry) -> Tracing | None:
    """The tracing of a process, named `service` in its traces; None where it is off. Its metrics are in
    `registry`. Raises `SettingsError` where OpenTelemetry is not installed.
    """
    if not settings.tracing.enabled:
        return None
    try:
        from streams.tracing.otlp import otlp_exporter
    except ImportError as error:
        raise SettingsError(
            f"tracing.enabled is true, and {error.name} is not installed: install headrace[tracing], or set"
            " tracing.enabled = false"
        ) from None
    tracing = settings.tracing
    exporter = otlp_exporter(
        tracing.endpoint, tracing.timeout_ms / 1_000, service, f"{socket.gethostname()}:{os.getpid()}"
    )
    metrics = TracingMetrics(registry)
    return Tracing(tracing, SpanQueue(exporter, metrics, tracing.queue_spans), metrics)
