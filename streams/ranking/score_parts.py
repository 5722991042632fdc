"""What a score is the sum of: the heads of the model as they are weighted, and what moved their sum.

    click      the model's logit of a click
    rating     the expected rating above the mean, times `feed.rating_weight`
    TASK       log(sigmoid(logit)) of a further task, times its weight (`reweighting.weighted`)
    learned    what was learned from answers (`adaptation`)
    aversion   what was taken off for closeness to what the user did not like (`aversion`)
    boost      what the caller added to the candidate (`favouring`)
    relevancy  what the caller's own score of it added

Where no model scores, a score is a place in the pool, and its own part is called `place`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.schema import F32
from streams.ranking.rank_batch import RankBatch

DIGITS = 6
"""Scores are told with so many."""

F64 = NDArray[np.float64]


class ScorePart(NamedTuple):
    """Of each place of a slate, float64 [places]."""

    name: str
    values: F64


def score_parts(batch: RankBatch, b: int, mean_rating: float | None) -> list[ScorePart]:
    """The parts of the scores of request b's places, in decimals of which the sum is the score as slates tell
    it. mean_rating: as in `weighted`. What rounding leaves is in the first part.
    """
    part, order = batch.part(b), batch.order[b]
    score = batch.score[part][order].astype(np.float64)
    own = [
        ScorePart(name, values[order].astype(np.float64))
        for name, values in batch.favoured.get(b, {}).items()
        if values.any()
    ]
    score -= np.sum([values for _, values in own], axis=0) if own else 0.0
    if not batch.scored(b):
        return _rounded([ScorePart("place", score), *own], batch.score[part][order])
    feed = batch.requests[b].plan.settings.feed
    parts = [ScorePart("click", batch.click[part][order].astype(np.float64))]
    if feed.rating_weight and mean_rating is not None:
        above = batch.rating[part][order].astype(np.float64) - mean_rating
        parts.append(ScorePart("rating", feed.rating_weight * above))
    for name, weight in feed.task_weights.items():
        if name in batch.more:
            logits = batch.more[name][part][order].astype(np.float64)
            unlikely = np.logaddexp(0.0, -np.where(np.isnan(logits), np.inf, logits))
            parts.append(ScorePart(name, -weight * unlikely))
    averted = batch.averted.get(b)
    taken_off = np.zeros(len(order)) if averted is None else averted[order].astype(np.float64)
    if batch.adapted[b]:
        parts.append(ScorePart("learned", score + taken_off - batch.heads[0, part][order]))
    if averted is not None:
        parts.append(ScorePart("aversion", 0.0 - taken_off))
    return _rounded([*parts, *own], batch.score[part][order])


def _rounded(parts: Sequence[ScorePart], scores: F32) -> list[ScorePart]:
    rounded = [ScorePart(name, values.round(DIGITS)) for name, values in parts]
    told = scores.astype(float).round(DIGITS)
    left = told - np.sum([each.values for each in rounded], axis=0)
    first = rounded[0]
    return [ScorePart(first.name, (first.values + left).round(DIGITS)), *rounded[1:]]


def parts_of_both(
    first: Sequence[ScorePart], other: Sequence[ScorePart], brought: Sequence[tuple[int, int]]
) -> list[ScorePart]:
    """The parts of an interleaved slate's scores, each place as the order that brought it has them; 0 where
    that order has no such part. brought: the order, 0 or 1, and the place in it.
    """
    of = [{part.name: part.values for part in parts} for parts in (first, other)]
    found = []
    for name in dict.fromkeys([*of[0], *of[1]]):
        values = [of[side][name][at] if name in of[side] else 0.0 for side, at in brought]
        found.append(ScorePart(name, np.array(values, np.float64)))
    return found
