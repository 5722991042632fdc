"""What users met together with this user's last items (item-kNN, cosine, kept online)."""

from __future__ import annotations

import numpy as np

from streams.candidates.source import Found, best
from streams.query import Query
from streams.signals import TOGETHER_10


class Together:
    """Score: the sum, over the last items, of the cosine of item and candidate by who met them."""

    name = "together"

    def find(self, query: Query) -> Found:
        touched = query.signals.touched
        totals = np.maximum(query.counters.popularity.total[touched], 1.0)
        scores = query.signals.values[touched, TOGETHER_10] / np.sqrt(totals)
        return best(touched, scores, query.blocked, query.limit)
