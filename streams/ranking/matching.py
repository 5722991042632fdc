"""Match: where a request says how well each candidate suits a query, that and the model's score are one.

The model's scores have a scale of their own, which differs from model to model. So they count by how many
standard deviations of the candidates' scores they lie above the mean.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from model.schema import F32
from streams.ranking.rank_batch import RankBatch
from streams.ranking.request import RankRequest, Suiting


class Match:
    """Moves `score` of the requests that have `suiting`. Where no model scores, `suiting` alone counts."""

    def enable(self, request: RankRequest) -> bool:
        return request.suiting is not None

    def run(self, batch: RankBatch, chosen: Sequence[int]) -> None:
        for b in chosen:
            suiting, part = batch.requests[b].suiting, batch.part(b)
            assert suiting is not None
            own = suits(suiting, batch.rows[part])
            net = suiting.net if batch.scored(b) else 0.0
            batch.score[part] = own + np.float32(net) * standardized(batch.score[part])


def suits(suiting: Suiting, rows: NDArray[np.int32]) -> F32:
    """Of each of these rows: float32 [n]; 0 for one that is not among them."""
    found = np.zeros(len(rows), np.float32)
    if len(suiting.rows):
        at = np.minimum(np.searchsorted(suiting.rows, rows), len(suiting.rows) - 1)
        there = suiting.rows[at] == rows
        found[there] = suiting.score[at[there]]
    return found


def standardized(scores: F32) -> F32:
    """(score - mean) / standard deviation, float32 [n]; 0 where all are the same.

    >>> standardized(np.array([1.0, 3.0], np.float32)).tolist(), standardized(np.ones(2, np.float32)).tolist()
    ([-1.0, 1.0], [0.0, 0.0])
    """
    spread = float(scores.std()) if len(scores) else 0.0
    if not spread > 0.0:
        return np.zeros(len(scores), np.float32)
    return np.asarray((scores - scores.mean()) / np.float32(spread), np.float32)
