"""New items, so that they get a chance before anyone has met them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from streams.ranking.candidates.context import Query
from streams.ranking.candidates.source import best


class Fresh:
    """Score: how much of ten half-lives is left since the item's arrival; the newest first."""

    name = "fresh"

    def __init__(self, half_life_s: float) -> None:
        self.longest_ms = 10.0 * half_life_s * 1_000.0

    def find(self, query: Query) -> NDArray[np.int32]:
        items = len(query.catalog)
        first = max(0, items - 4 * query.limit)
        left_ms = query.catalog.added_ms[first:items] - (query.now_ms - self.longest_ms)
        rows = np.arange(first, items, dtype=np.int32)
        return best(rows, (left_ms / self.longest_ms).astype(np.float32), query.blocked, query.limit)
