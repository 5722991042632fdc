"""New items, so that they get a chance before anyone has met them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from streams.candidates.source import best
from streams.query import Query


class Fresh:
    """Score: recency of the item's arrival, halved in `half_life_s`; the newest first."""

    name = "fresh"

    def __init__(self, half_life_s: float) -> None:
        self.half_life_ms = half_life_s * 1_000.0

    def find(self, query: Query) -> NDArray[np.int32]:
        items = len(query.catalog)
        rows = np.arange(max(0, items - 4 * query.limit), items, dtype=np.int32)
        age_ms = np.maximum(query.now_ms - query.catalog.added_ms[rows], 0)
        scores = np.exp2(-age_ms / self.half_life_ms).astype(np.float32)
        scores[scores < 1e-3] = 0.0
        return best(rows, scores, query.blocked, query.limit)
