"""Match: where a request says how well each candidate suits a query, that and the model's score are one.

The model's scores have a scale of their own, which differs from model to model. So they count by how many
standard deviations of the candidates' scores they lie above the mean.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from model.schema import F32
from streams.ranking.rank_batch import RankBatch
from streams.ranking.request import RankRequest


class Match:
    """Moves `score` of the requests that have `suiting`. Where no model scores, `suiting` alone counts."""

    def enable(self, request: RankRequest) -> bool:
        return request.suiting is not None

    def run(self, batch: RankBatch, chosen: Sequence[int]) -> None:
        for b in chosen:
            suiting, part = batch.requests[b].suiting, batch.part(b)
            assert suiting is not None
            net = np.float32(suiting.net if batch.scored(b) else 0.0)
            _match(suiting.rows, suiting.score, net, batch.rows[part], batch.score[part])


@compiled
def _match(of: NDArray[np.int32], suits: F32, net: np.float32, rows: NDArray[np.int32], score: F32) -> None:
    """Make of each row's score how well it suits, which is 0 for a row that is not among `of`, and the score
    standardized, times net.
    """
    score[:] = net * standardized(score)
    for k in range(len(rows)):
        at = np.searchsorted(of, rows[k])
        if at < len(of) and of[at] == rows[k]:
            score[k] += suits[at]


@compiled
def standardized(scores: F32) -> F32:
    """(score - mean) / standard deviation, float32 [n]; 0 where all are the same.

    >>> standardized(np.array([1.0, 3.0], np.float32)).tolist(), standardized(np.ones(2, np.float32)).tolist()
    ([-1.0, 1.0], [0.0, 0.0])
    """
    made, total, squares = np.zeros(len(scores), np.float32), 0.0, 0.0
    for score in scores:
        total += score
    mean = total / max(len(scores), 1)
    for score in scores:
        squares += (score - mean) ** 2
    spread = math.sqrt(squares / max(len(scores), 1))
    if spread > 0.0:
        for k in range(len(scores)):
            made[k] = (scores[k] - mean) / spread
    return made
