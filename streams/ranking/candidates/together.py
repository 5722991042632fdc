"""What users met together with this user's items (item-kNN, cosine, kept online)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from streams.ranking.candidates.context import SourceContext
from streams.ranking.candidates.source import best
from streams.signals.pair_signals import CLOSE


class Together:
    """Score: the sum, over the history, of how closely users met item and candidate, as a cosine."""

    name = "together"

    def find(self, context: SourceContext) -> NDArray[np.int32]:
        pairs = context.pairs
        scores = _cosines(pairs.rows, pairs.values, context.counters.popularity.total)
        return best(pairs.rows, scores, context.blocked, context.limit)


@compiled
def _cosines(
    rows: NDArray[np.int32], signals: NDArray[np.float32], totals: NDArray[np.float32]
) -> NDArray[np.float32]:
    scores = np.empty(len(rows), np.float32)
    for k in range(len(rows)):
        scores[k] = signals[k, CLOSE] / np.sqrt(max(totals[rows[k]], np.float32(1.0)))
    return scores
