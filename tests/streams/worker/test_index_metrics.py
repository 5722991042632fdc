"""The gauges of the indexes."""

from __future__ import annotations

import numpy as np
from prometheus_client import CollectorRegistry

from streams.ranking.index.cells import Cells
from streams.ranking.index.vector_index import VectorIndex
from streams.settings.ranking import IndexSettings
from streams.worker.index_metrics import collect_indexes
from streams.worker.metrics import WorkerMetrics

WATCHED = IndexSettings(from_items=100, watch_every=1)


def index(name: str, items: int) -> VectorIndex:
    vectors = np.random.default_rng(items).normal(size=(items, 8)).astype(np.float32)
    made = VectorIndex(name, WATCHED)
    made.keep_up(vectors, np.arange(items))
    made.configure(WATCHED, beside=True)
    made.find(vectors, vectors[:1], [np.zeros(items, np.uint8)], [10])
    made.wait()
    return made


class Forgetful(VectorIndex):
    """Its cells are forgotten as soon as they were looked at, as by a thread beside."""

    _cells: Cells | None = None

    @property
    def cells(self) -> Cells | None:
        found, self._cells = self._cells, None
        return found

    @cells.setter
    def cells(self, cells: Cells | None) -> None:
        self._cells = cells


def test_an_index_that_is_made_anew_meanwhile() -> None:
    metrics, forgetful = WorkerMetrics(CollectorRegistry()), Forgetful("nearest", WATCHED)
    forgetful._cells = Cells(np.eye(8, dtype=np.float32))
    collect_indexes([forgetful], metrics)
    assert forgetful.cells is None
    assert metrics.registry.get_sample_value("headrace_worker_index_items", {"index": "nearest"}) == 8


def test_they_say_what_each_index_holds_and_finds() -> None:
    metrics = WorkerMetrics(CollectorRegistry())
    small, large, other = index("nearest", 50), index("learned", 200), index("learned", 300)
    other.watch._newest.extend([0.0] * 3)
    collect_indexes([small, large, other], metrics)

    def value(name: str, label: str) -> float | None:
        return metrics.registry.get_sample_value(f"headrace_worker_index_{name}", {"index": label})

    assert (value("items", "nearest"), value("samples", "nearest")) == (0, 0)
    assert value("recall", "nearest") is None  # exact searches are not watched
    assert (value("items", "learned"), value("samples", "learned")) == (500, 2)
    found = value("recall", "learned")
    assert found is not None
    assert found <= 0.25
