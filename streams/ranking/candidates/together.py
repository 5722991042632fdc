"""What users met together with this user's items (item-kNN, cosine, kept online)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from streams.ranking.candidates.context import Query
from streams.ranking.candidates.source import best
from streams.signals.pair_signals import CLOSE, CLOSE_OFF


class Together:
    """Score: the sum, over the history, of how closely users met item and candidate, as a cosine; of what the
    user did not like it is taken off.
    """

    name = "together"

    def find(self, query: Query) -> NDArray[np.int32]:
        touched = query.signals.touched
        scores = cosines(touched, query.signals.values, query.counters.popularity.total)
        return best(touched, scores, query.blocked, query.limit)


@compiled
def cosines(
    rows: NDArray[np.int32], signals: NDArray[np.float32], totals: NDArray[np.float32]
) -> NDArray[np.float32]:
    """CLOSE without CLOSE_OFF over the root of each row's total."""
    scores = np.empty(len(rows), np.float32)
    for k in range(len(rows)):
        row = rows[k]
        scores[k] = (signals[row, CLOSE] - signals[row, CLOSE_OFF]) / np.sqrt(
            max(totals[row], np.float32(1.0))
        )
    return scores
