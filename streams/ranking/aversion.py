"""What is close to what the user did not like falls, whatever brought it and whether or not a model scores
it.

A model learns this from examples, as far as it had such examples; this stage needs none. It takes from a
score

    feed.aversion * closeness to what was not liked, from 0 to 1

where a score is the logarithm of a chance: at 1 an item keeps exp(-feed.aversion) of it. Closeness is what is
left of it once that to what the user liked is taken off, compared with the item that is closest to the user's
history of all: by pairs, by entities and by texts, the largest of the three.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.schema import F32
from streams.ranking.candidates.context import Query
from streams.ranking.candidates.together import cosines
from streams.ranking.draft import Draft
from streams.signals.entity_signals import ENTITY_OFF, ENTITY_TASTE
from streams.signals.pair_signals import CLOSE

SIMILAR_FROM = 0.5
"""The cosine of two texts from which they are called similar; 1 is the same text."""
LEAST = np.float32(1e-9)
"""The chance of an item that no source has ranked."""


def aversion(rows: NDArray[np.int32], query: Query) -> F32:
    """How close each of `rows` is to what the user did not like, from 0 to 1; empty where they say that of
    nothing.
    """
    if query.signs is None or not (query.signs < 0).any():
        return np.empty(0, np.float32)
    found = np.zeros(len(rows), np.float32)
    signals, totals = query.signals, query.counters.popularity.total
    if len(signals.touched):
        touched = signals.touched
        nearest = (signals.values[touched, CLOSE] / np.sqrt(np.maximum(totals[touched], 1))).max()
        _raise(found, -cosines(rows, signals.values, totals), float(nearest))
    if query.entities is not None and len(query.entities.touched):
        values = query.entities.values
        nearest = values[query.entities.touched, ENTITY_TASTE].max()
        _raise(found, values[rows, ENTITY_OFF] - values[rows, ENTITY_TASTE], float(nearest))
    if query.disliked_text.any():
        text = query.catalog.text[rows]
        liked = np.maximum(text @ query.liked_taste, SIMILAR_FROM)
        _raise(found, text @ query.disliked_text - liked, 1.0 - SIMILAR_FROM)
    return found


def lower(draft: Draft, weight: float, shares: NDArray[np.float64], constant: float) -> None:
    """Take it from `score`. Where no model has scored, what is lowered is the sum by which sources were
    blended (`shares` and `constant` as in `candidates.blend`), and a score stays a place.
    """
    if not len(draft.aversion):
        return
    if draft.modelled:
        draft.score = (draft.score - np.float32(weight) * draft.aversion).astype(np.float32)
        return
    ranks = draft.ranks
    fused = np.where(ranks > 0, shares / (constant + ranks), 0.0).sum(axis=1).astype(np.float32)
    order = np.argsort(weight * draft.aversion - np.log(fused + LEAST), kind="stable")
    draft.score = np.empty(len(order), np.float32)
    draft.score[order] = -np.arange(len(order), dtype=np.float32)


def _raise(found: F32, closeness: NDArray[np.floating], nearest: float) -> None:
    """Where this closeness, as a part of the nearest one, is larger than what was found."""
    if nearest > 0:
        np.maximum(found, np.clip(closeness / nearest, 0, 1), out=found, casting="same_kind")
