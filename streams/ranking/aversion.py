"""Avert: what is close to what the user did not like falls, whatever brought it, with and without a model.

A model learns this from examples, as far as it had such examples; this stage needs none. It takes from a
score

    feed.aversion * closeness to what was not liked, from 0 to 1

where a score is the logarithm of a chance: at 1 an item keeps exp(-feed.aversion) of it. Closeness is what is
left of it once that to what the user liked is taken off, compared with the item that is closest to the user's
history of all: by pairs, by entities and by texts, the largest of the three.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from model.schema import F32
from streams.counters.counters import Counters
from streams.ranking.candidates.context import SourceContext
from streams.ranking.candidates.together import cosines
from streams.ranking.rank_batch import RankBatch
from streams.ranking.request import RankRequest
from streams.ranking.workspace import Workspace
from streams.signals.entity_signals import ENTITY_OFF, ENTITY_TASTE

SIMILAR_FROM = 0.5
"""The cosine of two texts from which they are called similar; 1 is the same text."""
LEAST = np.float32(1e-9)
"""The chance of an item that no source has ranked."""


class Avert:
    """Lowers `score`. Where no model has scored, it lowers the sum by which the sources were blended, and a
    score stays a place.
    """

    def __init__(self, counters: Counters, workspace: Workspace) -> None:
        self.counters, self.workspace = counters, workspace

    def enable(self, request: RankRequest) -> bool:
        return request.plan.settings.feed.aversion > 0

    def run(self, batch: RankBatch, chosen: Sequence[int]) -> None:
        for b in chosen:
            part = batch.part(b)
            close = aversion(
                batch.rows[part], batch.contexts[b], self.counters.popularity.total, self.workspace.places
            )
            if not len(close):
                continue
            plan = batch.requests[b].plan
            weight = plan.settings.feed.aversion
            if batch.models[b] is not None and batch.featured[b]:
                batch.score[part] -= np.float32(weight) * close
                continue
            constant, ranks = plan.settings.candidates.rank_constant, batch.ranks[part]
            fused = np.where(ranks > 0, plan.weights / (constant + ranks), 0.0).sum(axis=1)
            order = np.argsort(weight * close - np.log(fused.astype(np.float32) + LEAST), kind="stable")
            batch.score[part][order] = -np.arange(len(order), dtype=np.float32)


def aversion(
    rows: NDArray[np.int32],
    context: SourceContext,
    totals: NDArray[np.float32],
    places: NDArray[np.int32],
) -> F32:
    """How close each of `rows` is to what the user did not like, from 0 to 1; empty where they say that of
    nothing. totals: how often each item was met. places: as `Readings.of` takes it.
    """
    if context.signs is None or not (context.signs < 0).any():
        return np.empty(0, np.float32)
    found = np.zeros(len(rows), np.float32)
    pairs, entities = context.pairs, context.entities
    if len(pairs.rows):
        nearest = cosines(pairs.rows, pairs.values, totals, with_off=False).max()
        _raise(found, -cosines(rows, pairs.of(rows, places), totals, with_off=True), float(nearest))
    if entities is not None and len(entities.rows):
        values = entities.of(rows, places)
        nearest = entities.values[:, ENTITY_TASTE].max()
        _raise(found, values[:, ENTITY_OFF] - values[:, ENTITY_TASTE], float(nearest))
    if context.disliked_text.any():
        text = context.catalog.text[rows]
        liked = np.maximum(text @ context.liked_taste, SIMILAR_FROM)
        _raise(found, text @ context.disliked_text - liked, 1.0 - SIMILAR_FROM)
    return found


def _raise(found: F32, closeness: NDArray[np.floating], nearest: float) -> None:
    """Where this closeness, as a part of the nearest one, is larger than what was found."""
    if nearest > 0:
        np.maximum(found, np.clip(closeness / nearest, 0, 1), out=found, casting="same_kind")
