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
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.schema import F32
from streams.ranking.rank_batch import RankBatch
from streams.settings.ranking import FeedSettings

DIGITS = 6
"""Scores are told with so many."""

F64 = NDArray[np.float64]


class ScorePart(NamedTuple):
    """Of each place of a slate, float64 [places]."""

    name: str
    values: F64


class PlacedScores(NamedTuple):
    """What the scores of one slate's places were made of, float32 [places] each, for whoever asks for their
    `parts`: few do, and to add them up takes longer than to keep this.

    `base`: the heads' own sum, where what was learned from answers has moved it. `averted`: what was taken
    off. `favoured`: what the caller's own values have added, by name. `scored`: whether a model scored them.
    """

    feed: FeedSettings
    mean_rating: float | None
    scored: bool
    score: F32
    click: F32
    rating: F32
    more: dict[str, F32]
    base: F32 | None
    averted: F32 | None
    favoured: dict[str, F32]

    def parts(self) -> list[ScorePart]:
        """The parts, in decimals of which the sum is the score as slates tell it. What rounding leaves is in
        the first part.
        """
        own = [ScorePart(name, values.astype(np.float64)) for name, values in self.favoured.items()]
        score = self.score.astype(np.float64)
        score -= np.sum([values for _, values in own], axis=0) if own else 0.0
        if not self.scored:
            return _rounded([ScorePart("place", score), *own], self.score)
        parts = [ScorePart("click", self.click.astype(np.float64))]
        if self.feed.rating_weight and self.mean_rating is not None:
            above = self.rating.astype(np.float64) - self.mean_rating
            parts.append(ScorePart("rating", self.feed.rating_weight * above))
        for name, weight in self.feed.task_weights.items():
            if name in self.more:
                logits = self.more[name].astype(np.float64)
                unlikely = np.logaddexp(0.0, -np.where(np.isnan(logits), np.inf, logits))
                parts.append(ScorePart(name, -weight * unlikely))
        averted = self.averted
        taken_off = np.zeros(len(score)) if averted is None else averted.astype(np.float64)
        if self.base is not None:
            parts.append(ScorePart("learned", score + taken_off - self.base))
        if averted is not None:
            parts.append(ScorePart("aversion", 0.0 - taken_off))
        return _rounded([*parts, *own], self.score)


def placed_scores(batch: RankBatch, chosen: Sequence[int], mean_rating: float | None) -> list[PlacedScores]:
    """Of these requests' slates; mean_rating: as in `weighted`."""
    at, first = batch.placed(chosen)
    score, click, rating, base = batch.score[at], batch.click[at], batch.rating[at], batch.heads[0][at]
    more = {name: values[at] for name, values in batch.more.items()}
    found = []
    for b, (begin, end) in zip(chosen, pairwise(first), strict=True):
        order, averted, favoured = batch.order[b], batch.averted.get(b), batch.favoured.get(b, {})
        found.append(
            PlacedScores(
                batch.requests[b].plan.settings.feed, mean_rating, batch.scored(b),
                score[begin:end], click[begin:end], rating[begin:end],
                {name: values[begin:end] for name, values in more.items()},
                base[begin:end] if batch.adapted[b] else None,
                None if averted is None else averted[order],
                {name: values[order] for name, values in favoured.items() if values.any()},
            )
        )  # fmt: skip
    return found


def score_parts(batch: RankBatch, b: int, mean_rating: float | None) -> list[ScorePart]:
    """The parts of the scores of request b's places."""
    return placed_scores(batch, [b], mean_rating)[0].parts()


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
