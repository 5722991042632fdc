"""A histogram for Prometheus that takes the values of a whole batch at once.

The client's own takes one at a time, for 5 us each: with two values an event, that is a tenth of all that the
loop does.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike
from prometheus_client import CollectorRegistry
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString


class BulkHistogram(Collector):
    """Counts values in `buckets`, upper bounds in ascending order; a value on a bound is within it."""

    def __init__(
        self, name: str, documentation: str, buckets: Sequence[float], registry: CollectorRegistry
    ) -> None:
        self._name, self._documentation = name, documentation
        self._bounds = np.array(buckets, np.float64)
        self._counts = np.zeros(len(buckets) + 1, np.int64)
        self._sum = 0.0
        self._turn = threading.Lock()  # metrics are read in another thread
        registry.register(self)

    def observe_all(self, values: ArrayLike) -> None:
        """Count these values."""
        taken = np.asarray(values, np.float64)
        counts = np.bincount(np.searchsorted(self._bounds, taken), minlength=len(self._counts))
        with self._turn:
            self._counts += counts
            self._sum += float(taken.sum())

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """What was counted so far."""
        with self._turn:
            counts, total = np.cumsum(self._counts).tolist(), self._sum
        bounds = [*map(floatToGoString, self._bounds.tolist()), "+Inf"]
        buckets = [(bound, count) for bound, count in zip(bounds, counts, strict=True)]
        yield HistogramMetricFamily(self._name, self._documentation, buckets=buckets, sum_value=total)
