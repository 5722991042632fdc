"""What becomes of the indexes of near items, as the worker's metrics."""

from __future__ import annotations

import math
from collections.abc import Iterable

from streams.ranking.index.vector_index import VectorIndex
from streams.worker.metrics import WorkerMetrics


def collect_indexes(indexes: Iterable[VectorIndex], metrics: WorkerMetrics) -> None:
    """Bring the gauges up to date, while the core's thread goes on with the indexes. Several models may each
    have one of the same name: the worst recall, and the items and samples of all.
    """
    by_name: dict[str, list[VectorIndex]] = {}
    for index in indexes:
        by_name.setdefault(index.name, []).append(index)
    for name, these in by_name.items():
        cells = [each.cells for each in these]  # looked at once: an index may forget them at any moment
        metrics.index_items.labels(name).set(sum(len(each) for each in cells if each is not None))
        metrics.index_samples.labels(name).set(sum(each.watch.samples for each in these))
        recalls = [recall for each in these if not math.isnan(recall := each.watch.recall)]
        if recalls:
            metrics.index_recall.labels(name).set(min(recalls))
