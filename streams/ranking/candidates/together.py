"""What users met together with this user's items (item-kNN, cosine, kept online)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from streams.ranking.candidates.context import BatchContext
from streams.ranking.candidates.difference import find_by_difference
from streams.ranking.candidates.lists import Lists
from streams.signals.pair_signals import CLOSE, CLOSE_OFF


class Together:
    """Score: the sum, over the history, of how closely users met item and candidate, as a cosine;
    what the user did not like is taken off.
    """

    name = "together"

    def find_all(self, context: BatchContext, chosen: NDArray[np.int64], lists: Lists) -> None:
        totals = context.counters.popularity.total
        find_by_difference(context.pairs(chosen), CLOSE, CLOSE_OFF, context, chosen, lists, totals)
