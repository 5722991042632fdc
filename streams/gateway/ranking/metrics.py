"""The metrics of a ranker, in the registry of the process that it runs in."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

BUCKETS_S = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.008, 0.012, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
BATCHES = (1, 2, 4, 8, 16, 32, 64, 128)


class RankerMetrics:
    """What `RankerWatch` is told, counted."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self._waiting = Gauge(
            "headrace_ranker_waiting", "Requests that wait for the ranker.", registry=registry
        )
        stages = Histogram(
            "headrace_ranker_seconds",
            "Time that a request waits, that its batch is read and ranked, and of the whole.",
            ("stage",),
            buckets=BUCKETS_S,
            registry=registry,
        )
        self._stages = {stage: stages.labels(stage) for stage in ("queue", "read", "rank", "whole")}
        self._batches = Histogram(
            "headrace_ranker_batch_requests", "Requests ranked in one go.", buckets=BATCHES, registry=registry
        )
        self._refused = Counter(
            "headrace_ranker_refused",
            "Requests that got no slate: busy, late, unready, store.",
            ("reason",),
            registry=registry,
        )

    def waits(self, requests: int) -> None:
        self._waiting.set(requests)

    def took(self, stage: str, seconds: float) -> None:
        self._stages[stage].observe(seconds)

    def ranked(self, requests: int) -> None:
        self._batches.observe(requests)

    def refused(self, reason: str) -> None:
        self._refused.labels(reason).inc()
