"""What becomes of the indexes of near items, as the worker's metrics."""

from __future__ import annotations

import math
from collections.abc import Iterable

from streams.ranking.index.vector_index import VectorIndex
from streams.worker.metrics import WorkerMetrics


def collect_indexes(indexes: Iterable[VectorIndex], metrics: WorkerMetrics) -> None:
    """Bring the gauges up to date. Several models may each have one of the same name: the worst recall, and
    the items and samples of all.
    """
    by_name: dict[str, list[VectorIndex]] = {}
    for index in indexes:
        by_name.setdefault(index.name, []).append(index)
    for name, these in by_name.items():
        metrics.index_items.labels(name).set(sum(len(each.cells) for each in these if each.cells is not None))
        metrics.index_samples.labels(name).set(sum(each.watch.samples for each in these))
        recalls = [each.watch.recall for each in these if not math.isnan(each.watch.recall)]
        if recalls:
            metrics.index_recall.labels(name).set(min(recalls))
