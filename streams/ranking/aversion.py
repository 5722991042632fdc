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

from model.compiled import compiled
from model.features import SignalsOf, find_signals
from model.schema import F32
from model.text_products import text_products
from streams.counters.counters import Counters
from streams.ranking.candidates.context import BatchContext
from streams.ranking.rank_batch import RankBatch
from streams.ranking.request import RankRequest
from streams.ranking.workspace import Workspace
from streams.signals.entity_signals import ENTITY_OFF, ENTITY_TASTE
from streams.signals.pair_signals import CLOSE, CLOSE_OFF, cosine

SIMILAR_FROM = 0.5
"""The cosine of two texts from which they are called similar; 1 is the same text."""
LEAST = np.float32(1e-9)
"""The chance of an item that no source has ranked."""


class Avert:
    """Lowers `score`. Where no model has scored, it lowers the sum by which the sources were blended, and a
    score stays a place; elsewhere it writes `averted`. It passes over users who dislike nothing.
    """

    def __init__(self, counters: Counters, workspace: Workspace) -> None:
        self.counters, self.workspace = counters, workspace

    def enable(self, request: RankRequest) -> bool:
        return request.plan.settings.feed.aversion > 0

    def run(self, batch: RankBatch, chosen: Sequence[int]) -> None:
        numbers = np.array(chosen, np.int64)
        numbers = numbers[batch.context.histories.negative[numbers]]
        if not len(numbers):
            return
        totals, places = self.counters.popularity.total, self.workspace.places
        texts = batch.text_rows()
        close = aversion(batch.context, numbers, batch.offsets, batch.rows, texts, totals, places)
        for b in numbers.tolist():
            part, plan = batch.part(b), batch.requests[b].plan
            weight = plan.settings.feed.aversion
            if batch.scored(b):
                batch.averted[b] = np.float32(weight) * close[part]
                batch.score[part] -= batch.averted[b]
                continue
            constant, ranks = plan.settings.candidates.rank_constant, batch.ranks[part]
            fused = np.where(ranks > 0, plan.weights / (constant + ranks), 0.0).sum(axis=1)
            order = np.argsort(weight * close[part] - np.log(fused.astype(np.float32) + LEAST), kind="stable")
            batch.score[part][order] = -np.arange(len(order), dtype=np.float32)


def aversion(
    context: BatchContext,
    users: NDArray[np.int64],
    offsets: NDArray[np.int64],
    rows: NDArray[np.int32],
    texts: NDArray[np.int32],
    totals: F32,
    places: NDArray[np.int32],
) -> F32:
    """How close each candidate is to what its user did not like, from 0 to 1: float32 [N], zero for users
    other than `users`.

    rows: the candidates, those of user b from `offsets[b]` on. texts: where the text of each stands. totals:
    how often each item was met. places: a scratch table over all rows, all -1 before and after.
    """
    found = np.zeros(len(rows), np.float32)
    pairs, shared, tastes = context.pairs(users), context.entities(users), context.tastes
    _find(
        users, offsets, rows, texts, pairs.parts, None if shared is None else shared.parts, totals,
        context.catalog.text, tastes.liked, tastes.disliked, places, found,
    )  # fmt: skip
    return found


@compiled
def _find(
    users: NDArray[np.int64],
    offsets: NDArray[np.int64],
    rows: NDArray[np.int32],
    texts: NDArray[np.int32],
    pairs: SignalsOf,
    shared: SignalsOf | None,
    totals: F32,
    text: F32,
    liked: F32,
    disliked: F32,
    places: NDArray[np.int32],
    found: F32,
) -> None:
    at = np.empty(len(rows), np.int64)
    find_signals(pairs, users, offsets, rows, places, at)
    _by_pairs(users, offsets, rows, pairs, at, totals, found)
    if shared is not None:
        find_signals(shared, users, offsets, rows, places, at)
        _by_entities(users, offsets, shared, at, found)
    _by_texts(users, offsets, texts, text, liked, disliked, found)


@compiled
def _by_pairs(
    users: NDArray[np.int64],
    offsets: NDArray[np.int64],
    rows: NDArray[np.int32],
    pairs: SignalsOf,
    at: NDArray[np.int64],
    totals: F32,
    found: F32,
) -> None:
    """Candidate k stands at at[k] of `pairs`."""
    known, values = pairs.rows, pairs.values
    for b in users:
        nearest = np.float32(0.0)
        for k in range(pairs.begin[b], pairs.end[b]):
            nearest = max(nearest, cosine(values[k, CLOSE], totals[known[k]]))
        for k in range(offsets[b], offsets[b + 1]):
            if at[k] >= 0 and nearest > 0.0:
                averse = values[at[k], CLOSE_OFF] - values[at[k], CLOSE]
                share = cosine(averse, totals[rows[k]]) / nearest
                found[k] = max(found[k], min(share, np.float32(1.0)))


@compiled
def _by_entities(
    users: NDArray[np.int64],
    offsets: NDArray[np.int64],
    shared: SignalsOf,
    at: NDArray[np.int64],
    found: F32,
) -> None:
    """Candidate k stands at at[k] of `shared`, the signals of entities."""
    values = shared.values
    for b in users:
        nearest = np.float32(0.0)
        for k in range(shared.begin[b], shared.end[b]):
            nearest = max(nearest, values[k, ENTITY_TASTE])
        for k in range(offsets[b], offsets[b + 1]):
            if at[k] >= 0 and nearest > 0.0:
                averse = values[at[k], ENTITY_OFF] - values[at[k], ENTITY_TASTE]
                found[k] = max(found[k], min(averse / nearest, np.float32(1.0)))


@compiled
def _by_texts(
    users: NDArray[np.int64],
    offsets: NDArray[np.int64],
    rows: NDArray[np.int32],
    text: F32,
    liked: F32,
    disliked: F32,
    found: F32,
) -> None:
    """text [n, dim]: of all items; liked, disliked [B, dim]: see `Tastes`."""
    views = np.empty((2, text.shape[1]), np.float32)
    for b in users:
        if not disliked[b].any():
            continue
        views[0], views[1] = liked[b], disliked[b]
        its_rows = rows[offsets[b] : offsets[b + 1]]
        products = np.empty((len(its_rows), 2), np.float32)
        text_products(text, its_rows, views, products)
        for k in range(len(its_rows)):
            near_liked = max(products[k, 0], np.float32(SIMILAR_FROM))
            closeness = (products[k, 1] - near_liked) / np.float32(1.0 - SIMILAR_FROM)
            at = offsets[b] + k
            found[at] = max(found[at], min(closeness, np.float32(1.0)))
