"""What users met together with this user's items (item-kNN, cosine, kept online)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from streams.candidates.source import best
from streams.query import Query
from streams.signals import CLOSE


class Together:
    """Score: the sum, over the history, of how closely users met item and candidate, as a cosine."""

    name = "together"

    def find(self, query: Query) -> NDArray[np.int32]:
        touched = query.signals.touched
        totals = query.counters.popularity.total.take(touched)
        np.sqrt(np.maximum(totals, np.float32(1.0), out=totals), out=totals)
        scores = query.signals.values[touched, CLOSE] / totals
        return best(touched, scores, query.blocked, query.limit)
