"""What users met together with this user's items (item-kNN, cosine, kept online)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from streams.ranking.candidates.context import SourceContext
from streams.ranking.candidates.source import best
from streams.signals.pair_signals import CLOSE, CLOSE_OFF


class Together:
    """Score: the sum, over the history, of how closely users met item and candidate, as a cosine;
    what the user did not like is taken off.
    """

    name = "together"

    def find(self, context: SourceContext) -> NDArray[np.int32]:
        pairs = context.pairs
        totals = context.counters.popularity.total
        scores = cosines(pairs.rows, pairs.values, totals, with_off=True)
        return best(pairs.rows, scores, context.blocked, context.limit)


@compiled
def cosines(
    rows: NDArray[np.int32],
    signals: NDArray[np.float32],
    totals: NDArray[np.float32],
    with_off: bool,
) -> NDArray[np.float32]:
    """CLOSE over the root of each row's total, [n]; `signals` [n, ...] are those of `rows`. with_off: less
    CLOSE_OFF.
    """
    scores = np.empty(len(rows), np.float32)
    for k in range(len(rows)):
        close = signals[k, CLOSE] - signals[k, CLOSE_OFF] if with_off else signals[k, CLOSE]
        scores[k] = close / np.sqrt(max(totals[rows[k]], np.float32(1.0)))
    return scores
