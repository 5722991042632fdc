"""Spans on their way to the exporter, which has a thread of its own: whoever makes them never waits."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Sequence
from typing import Protocol

from streams.tracing.metrics import TracingMetrics
from streams.tracing.span import Span

log = logging.getLogger(__name__)

EXPORT_SPANS = 128
"""So many are exported at once: turning more into bytes would hold up Python's other threads."""
EXPORT_EVERY_S = 1.0


class Exporter(Protocol):
    """Sends spans somewhere; called in one thread alone."""

    def export(self, spans: Sequence[Span]) -> str:
        """Why they were not taken; "" where they were."""
        ...

    def close(self) -> None:
        """Give up what is being sent."""
        ...


class SpanQueue:
    """Holds `most` spans; further ones are dropped, and counted."""

    def __init__(self, exporter: Exporter, metrics: TracingMetrics, most: int) -> None:
        self._exporter, self._metrics, self._most = exporter, metrics, most
        self._waiting: deque[Span] = deque()
        self._awake, self._closing = threading.Event(), False
        self._trouble = ""
        metrics.waiting.set_function(lambda: len(self._waiting))
        self._thread = threading.Thread(target=self._run, name="tracing", daemon=True)
        self._thread.start()

    def put(self, spans: Sequence[Span]) -> None:
        """Returns at once. Any thread may call."""
        if len(self._waiting) + len(spans) > self._most:
            self._metrics.dropped.inc(len(spans))
            return
        self._waiting.extend(spans)
        if len(self._waiting) >= EXPORT_SPANS:
            self._awake.set()

    def close(self, within_s: float) -> None:
        """Export what waits, for `within_s` at most. What is left is dropped, and counted."""
        self._closing = True
        self._awake.set()
        self._thread.join(within_s)
        if left := len(self._waiting):
            self._metrics.dropped.inc(left)
            self._waiting.clear()
        self._exporter.close()

    def _run(self) -> None:
        while not self._closing:
            self._awake.wait(EXPORT_EVERY_S)
            self._awake.clear()
            self._export()
        self._export()  # what came between the last look and the end

    def _export(self) -> None:
        while self._waiting:
            spans = [self._waiting.popleft() for _ in range(min(EXPORT_SPANS, len(self._waiting)))]
            try:
                trouble = self._exporter.export(spans)
            except Exception as error:  # no span is worth a process
                trouble = repr(error)
            (self._metrics.failed if trouble else self._metrics.exported).inc(len(spans))
            self._say(trouble)

    def _say(self, trouble: str) -> None:
        """Once when it begins, and once when it is over."""
        if trouble and not self._trouble:
            log.warning("spans are not taken, and traces have holes until they are again: %s", trouble)
        elif self._trouble and not trouble:
            log.info("spans are taken again")
        self._trouble = trouble
