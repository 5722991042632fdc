"""What is popular now, whoever asks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from streams.candidates.source import best
from streams.query import Query


class Popular:
    """Score: the forward-decayed count with one of the configured half-lives.

    The order changes slowly, so the list is made anew only after a share of the items' number of
    interactions; it holds enough spare rows for a user who has met many of them.
    """

    def __init__(self, name: str = "popular", half_life: int = 1, spare: int = 2048) -> None:
        self.name = name
        self.half_life = half_life
        self.spare = spare
        self._made_at = (-1, -1)
        self._rows: NDArray[np.int32] = np.zeros(0, np.int32)

    def find(self, query: Query) -> NDArray[np.int32]:
        counters, items = query.counters, len(query.catalog)
        stale = counters.interactions - self._made_at[0] >= max(1, items // 256)
        if stale or items != self._made_at[1] or counters.interactions < self._made_at[0]:
            decayed = counters.popularity.decayed[:items, self.half_life]
            keep = min(items, query.limit + self.spare)
            rows = np.argpartition(-decayed, keep - 1)[:keep] if keep < items else np.arange(items)
            self._rows = rows[np.lexsort((rows, -decayed[rows]))].astype(np.int32)
            self._made_at = (counters.interactions, items)
        scores = np.empty(len(self._rows), np.float32)
        age = query.ages[self.half_life]
        _scores(counters.popularity.decayed, self._rows, self.half_life, age, scores)
        return best(self._rows, scores, query.blocked, query.limit)


@compiled
def _scores(
    decayed: NDArray[np.float64],
    rows: NDArray[np.int32],
    column: int,
    age: float,
    scores: NDArray[np.float32],
) -> None:
    for k in range(len(rows)):
        scores[k] = decayed[rows[k], column] * age
