"""What becomes of the models, as the worker's metrics."""

from __future__ import annotations

from streams.serving.model_watcher import LogOnly
from streams.worker.metrics import WorkerMetrics


class ModelMetrics(LogOnly):
    """Names of models come from the registry and the settings, never from a client."""

    def __init__(self, metrics: WorkerMetrics) -> None:
        self._metrics = metrics

    def served(self, name: str, provider: str) -> None:
        self._metrics.model.labels(name, provider).set(1)
        self._metrics.switches.labels("served").inc()

    def left(self, name: str, provider: str) -> None:
        self._metrics.model.remove(name, provider)

    def not_loaded(self, name: str) -> None:
        self._metrics.switches.labels("failed").inc()

    def fell_back(self, asked: str, got: str) -> None:
        self._metrics.fallbacks.labels(asked, got).inc()

    def fell_back_to_active(self, name: str, times: int) -> None:
        self._metrics.model_fallbacks.labels(name).inc(times)
