"""How much of a search should be personal: as much as the user's history has to do with the query.

Attention over the history has one more place, of weight exp(0), on which nothing stands (Ai, Hill,
Vishwanathan, Croft, "A zero attention model for personalized product search", CIKM 2019). Where no item of
the history is near the query, that place takes the attention, and the search is the same for everybody. The
transformer over history and query (Bi, Ai, Croft, "A transformer-based embedding model for personalized
product search", SIGIR 2020) reads them in the net: the query is one of its views.
"""

from __future__ import annotations

import numpy as np

from model.schema import F32


def personal_share(query: F32, history: F32, temperature: float, near: float) -> float:
    """What part of the attention the items of a history get, from 0 to 1.

    query [dim]; history [n, dim]: of lengths 1, or zero where an item has no text. An item's logit is
    temperature * (cosine - near).

    >>> query = np.array([1.0, 0.0], np.float32)
    >>> personal_share(query, np.array([[1.0, 0.0]], np.float32), 10.0, 0.5) > 0.99
    True
    >>> personal_share(query, np.array([[0.0, 1.0]], np.float32), 10.0, 0.5) < 0.01
    True
    >>> personal_share(query, np.zeros((0, 2), np.float32), 10.0, 0.5)
    0.0
    """
    with_text = history[np.any(history != 0.0, axis=1)] if len(history) else history
    if not len(with_text) or not np.any(query):
        return 0.0
    logits = np.clip(temperature * (with_text.astype(np.float64) @ query - near), -50.0, 50.0)
    weight = float(np.exp(logits).sum())
    return weight / (1.0 + weight)
