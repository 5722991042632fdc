"""Spans to an OTLP receiver over HTTP, by OpenTelemetry's SDK. Imported where tracing is on alone."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from streams.settings.shown import masked
from streams.tracing.span import Span
from streams.tracing.trace_context import TraceContext

KINDS = {
    "internal": SpanKind.INTERNAL,
    "server": SpanKind.SERVER,
    "client": SpanKind.CLIENT,
    "producer": SpanKind.PRODUCER,
    "consumer": SpanKind.CONSUMER,
}
NS_IN_MS = 1_000_000
SAID_MOST = 500
"""Characters of what the SDK says."""


class _Ids(IdGenerator):
    """Gives the numbers that a span has already."""

    def __init__(self) -> None:
        self.next = TraceContext(1, 1)

    def generate_span_id(self) -> int:
        return self.next.span_id

    def generate_trace_id(self) -> int:
        return self.next.trace_id


class _Ended(SpanProcessor):
    """Collects what has ended."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        self.spans.append(span)


class _Said(logging.Handler):
    """Keeps what the SDK's exporter logs out of the log: it would say the same with every export."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


class OtlpExporter:
    """Gives spans of `service` to `exporter`, which sends them to `where`."""

    def __init__(self, exporter: SpanExporter, service: str, instance: str, where: str = "") -> None:
        self._exporter, self._where = exporter, where
        self._ids, self._ended, self._said = _Ids(), _Ended(), _Said()
        resource = Resource({"service.name": service, "service.instance.id": instance})
        provider = TracerProvider(
            sampler=ALWAYS_ON, resource=resource, id_generator=self._ids, shutdown_on_exit=False
        )
        provider.add_span_processor(self._ended)
        self._tracer = provider.get_tracer("headrace")
        logger = logging.getLogger("opentelemetry")
        logger.addHandler(self._said)
        logger.propagate = False

    def export(self, spans: Sequence[Span]) -> str:
        """Why they were not taken, "" where they were; takes as long as the exporter's own deadline."""
        for span in spans:
            self._make(span)
        made, self._ended.spans = self._ended.spans, []
        self._said.texts.clear()
        if self._exporter.export(made) is SpanExportResult.SUCCESS:
            return ""
        # What is returned is logged, and an address may hold a key.
        said = str(masked("", " ".join(self._said.texts)))[:SAID_MOST]
        return f"{masked('', self._where)}: {said or 'no reason was given'}"

    def close(self) -> None:
        self._exporter.shutdown()

    def _make(self, span: Span) -> None:
        self._ids.next = span.context
        parent = Context()
        if span.parent_id:
            above = span.context._replace(span_id=span.parent_id)
            parent = set_span_in_context(NonRecordingSpan(_context(above)), parent)
        made = self._tracer.start_span(
            span.name,
            parent,
            KINDS[span.kind],
            dict(span.attributes),
            [Link(_context(link)) for link in span.links],
            int(span.start_ms * NS_IN_MS),
        )
        if span.error:
            made.set_status(Status(StatusCode.ERROR, span.error))
        made.end(max(int(span.start_ms * NS_IN_MS), int(span.end_ms * NS_IN_MS)))


def otlp_exporter(endpoint: str, timeout_s: float, service: str, instance: str) -> OtlpExporter:
    """To a receiver at `endpoint`, e.g. http://127.0.0.1:4318/v1/traces."""
    exporter = OTLPSpanExporter(endpoint=endpoint, timeout=timeout_s)
    return OtlpExporter(exporter, service, instance, endpoint)


def _context(context: TraceContext) -> SpanContext:
    return SpanContext(context.trace_id, context.span_id, is_remote=True, trace_flags=TraceFlags(1))
