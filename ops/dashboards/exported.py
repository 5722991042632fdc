"""The metrics that the processes export, read out of the code's own registries: the one list of them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from prometheus_client import CollectorRegistry
from prometheus_client.registry import Collector

from streams.clock import ManualClock
from streams.gateway.app import create_app
from streams.kafka.producer import KafkaProducer
from streams.serving.ranker import Ranker
from streams.settings.tree import Settings
from streams.stores.memory import MemoryStore
from streams.tracing.metrics import TracingMetrics
from streams.worker.metrics import WorkerMetrics

SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}
"""The series of a metric of each kind."""


class Metric(NamedTuple):
    """`name` as it is declared, without the suffix of its series. `job`: whose it is. `says`: its help."""

    name: str
    kind: str
    labels: frozenset[str]
    says: str
    job: str

    @property
    def series(self) -> tuple[str, ...]:
        """The names under which Prometheus stores it."""
        return tuple(self.name + suffix for suffix in SUFFIXES[self.kind])


class _Listing(CollectorRegistry):
    """Remembers what registers itself."""

    def __init__(self) -> None:
        super().__init__()
        self.collectors: list[Collector] = []

    def register(self, collector: Collector) -> None:
        self.collectors.append(collector)
        super().register(collector)


@cache
def exported() -> dict[str, Metric]:
    """All metrics by the name that they are declared under: those of a worker, and of a gateway with a ranker
    of its own. Both trace.
    """
    worker, gateway = _Listing(), _Listing()
    WorkerMetrics(worker)
    settings, store, clock = Settings(), MemoryStore(), ManualClock()
    ranker = Ranker(settings, store, clock)
    create_app(settings, store, KafkaProducer(settings.kafka), clock, gateway, ranker=ranker)
    TracingMetrics(gateway)
    found: dict[str, Metric] = {}
    for job, registry in (("worker", worker), ("gateway", gateway)):
        for metric in (each for collector in registry.collectors for each in _of(collector, job)):
            found.setdefault(metric.name, metric)
    return found


def _of(collector: Collector, job: str) -> Iterator[Metric]:
    for family in collector.collect():
        kind = "gauge" if family.type == "info" else family.type
        yield Metric(family.name, kind, _labels(collector, family), family.documentation, job)


def _labels(collector: Any, family: Any) -> frozenset[str]:
    """A family of metrics names its labels only in its samples, and there are none yet."""
    declared = getattr(collector, "label_names", ()) or getattr(collector, "_labelnames", ())
    sampled = {name for sample in family.samples for name in sample.labels if name != "le"}
    return frozenset(declared) | sampled


def metric_of(series: str) -> Metric | None:
    """The metric that a stored series belongs to; None where no process exports it."""
    return _by_series().get(series)


@cache
def _by_series() -> dict[str, Metric]:
    return {series: metric for metric in exported().values() for series in metric.series}
