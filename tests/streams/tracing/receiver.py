"""A small OTLP receiver over HTTP: it keeps the spans that it is sent."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)


class Received(NamedTuple):
    """A span as it came; `links`: the spans that it leads to, by trace and span."""

    service: str
    name: str
    trace_id: int
    span_id: int
    parent_id: int
    start_ns: int
    end_ns: int
    attributes: dict[str, Any]
    links: list[tuple[int, int]]


class Receiver:
    """Listens on a free port until it is closed. `status`: what it answers."""

    def __init__(self) -> None:
        self.status = 200
        self._spans: list[Received] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                assert self.path == "/v1/traces"
                assert self.headers["content-type"] == "application/x-protobuf"
                if receiver.status == 200:
                    receiver._spans += _spans(ExportTraceServiceRequest.FromString(body))
                answer = ExportTraceServiceResponse().SerializeToString()
                self.send_response(receiver.status)
                self.send_header("content-type", "application/x-protobuf")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: object) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1/traces"

    def spans(self) -> list[Received]:
        """What has come so far."""
        return list(self._spans)

    def trace(self, trace_id: int, until: set[str], deadline_s: float = 60.0) -> dict[str, Received]:
        """The spans of a trace by name, once those of the names `until` are there."""
        end = time.monotonic() + deadline_s
        while True:
            found = {span.name: span for span in self.spans() if span.trace_id == trace_id}
            if until <= set(found):
                return found
            assert time.monotonic() < end, f"no spans {until - set(found)}; there are {sorted(found)}"
            time.sleep(0.05)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _spans(request: ExportTraceServiceRequest) -> Iterator[Received]:
    for resource in request.resource_spans:
        service = _attributes(resource.resource.attributes)["service.name"]
        for span in (span for scope in resource.scope_spans for span in scope.spans):
            yield Received(
                service,
                span.name,
                _number(span.trace_id),
                _number(span.span_id),
                _number(span.parent_span_id),
                span.start_time_unix_nano,
                span.end_time_unix_nano,
                _attributes(span.attributes),
                [(_number(link.trace_id), _number(link.span_id)) for link in span.links],
            )


def _number(identity: bytes) -> int:
    return int.from_bytes(identity, "big")


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}
