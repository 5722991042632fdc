"""How much of a search should be personal: as much as the user's history has to do with the query.

Attention over the history has one more place, of weight exp(0), on which nothing stands (Ai, Hill,
Vishwanathan, Croft, "A zero attention model for personalized product search", CIKM 2019). Where no item of
the history is near the query, that place takes the attention, and the search is the same for everybody. The
transformer over history and query (Bi, Ai, Croft, "A transformer-based embedding model for personalized
product search", SIGIR 2020) reads them in the net: the query is one of its views.
"""

from __future__ import annotations

import math

from model.compiled import compiled
from model.schema import F32


def personal_share(query: F32, history: F32, temperature: float, near: float) -> float:
    """What part of the attention the items of a history get, from 0 to 1.

    query [dim]; history [n, dim]: of lengths 1, or zero where an item has no text. An item's logit is
    temperature * (cosine - near).

    >>> import numpy as np
    >>> query = np.array([1.0, 0.0], np.float32)
    >>> personal_share(query, np.array([[1.0, 0.0]], np.float32), 10.0, 0.5) > 0.99
    True
    >>> personal_share(query, np.array([[0.0, 1.0]], np.float32), 10.0, 0.5) < 0.01
    True
    >>> personal_share(query, np.zeros((0, 2), np.float32), 10.0, 0.5)
    0.0
    """
    return _share(query, history, temperature, near) if len(history) else 0.0


@compiled
def _share(query: F32, history: F32, temperature: float, near: float) -> float:
    weight, asked = 0.0, False
    for d in range(len(query)):
        asked |= query[d] != 0.0
    for k in range(len(history) if asked else 0):
        cosine, has_text = 0.0, False
        for d in range(len(query)):
            has_text |= history[k, d] != 0.0
            cosine += float(history[k, d]) * float(query[d])
        if has_text:
            weight += math.exp(min(max(temperature * (cosine - near), -50.0), 50.0))
    return weight / (1.0 + weight)
