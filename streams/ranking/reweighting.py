"""Reweight: from the heads of the model to one score, the click logit moved by rating and further tasks, and
by what was learned from answers (`streams.ranking.adaptation`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from model.schema import F32
from streams.counters.counters import Counters
from streams.ranking.adaptation import Adaptation
from streams.ranking.heads import heads_of
from streams.ranking.rank_batch import RankBatch
from streams.ranking.request import RankRequest
from streams.settings.ranking import FeedSettings


class Reweight:
    """Writes `heads`, `score` and `adapted`. `tasks`: the further ones that have a column in `heads`. Where a
    request's plan says so and a model scores it, what was learned from answers moves its score.
    """

    def __init__(
        self, counters: Counters, tasks: Sequence[str] = (), adaptation: Adaptation | None = None
    ) -> None:
        self.counters, self.tasks, self.adaptation = counters, tasks, adaptation

    def enable(self, request: RankRequest) -> bool:
        return True

    def run(self, batch: RankBatch, chosen: Sequence[int]) -> None:
        popularity = self.counters.popularity
        # Where nobody rates, the model's rating head has learned nothing.
        mean = popularity.mean_rating() if popularity.all_rating_count else None
        base = _base(batch, mean)
        batch.heads = heads_of(base, batch.click, batch.rating, batch.more, self.tasks, mean)
        batch.score = base.copy()  # it may be the click's own array
        if self.adaptation is not None:
            self.adaptation.run(batch, [b for b in chosen if _adapts(batch, b)])


def _base(batch: RankBatch, mean_rating: float | None) -> F32:
    feeds = [request.plan.settings.feed for request in batch.requests]
    if all(feed is feeds[0] for feed in feeds):
        return weighted(batch.click, batch.rating, batch.more, feeds[0], mean_rating)
    if not any(feed.task_weights for feed in feeds):  # as `weighted`, with a weight for each candidate
        weights = np.repeat(
            np.array([feed.rating_weight for feed in feeds], np.float32), np.diff(batch.offsets)
        )
        if mean_rating is None or not weights.any():
            return batch.click
        above = batch.rating - np.float32(mean_rating)
        return np.where(weights != 0, batch.click + weights * above, batch.click)
    scores = []
    for plan, at in batch.by_plan():
        more = {name: values[at] for name, values in batch.more.items()}
        scores.append(
            (at, weighted(batch.click[at], batch.rating[at], more, plan.settings.feed, mean_rating))
        )
    return _together(scores, len(batch.rows))


def _adapts(batch: RankBatch, b: int) -> bool:
    return batch.requests[b].plan.settings.reweighting.enabled and batch.scored(b)


def _together(scores: Sequence[tuple[NDArray[np.intp] | slice, F32]], candidates: int) -> F32:
    together = np.empty(candidates, np.float32)
    for at, score in scores:
        together[at] = score
    return together


def weighted(
    click: F32, rating: F32, more: dict[str, F32], settings: FeedSettings, mean_rating: float | None
) -> F32:
    """click + rating_weight * (rating - mean_rating) + the sum over `task_weights` of weight * log(sigmoid(
    logit)), float32 [n]. Weights are exponents of probabilities: click * like ** w, as a logarithm.

    more: logits of the further tasks by name, NaN where the model has no such task. mean_rating: None where
    there are no ratings, and then they count nothing.
    """
    score = click
    if settings.rating_weight and mean_rating is not None:
        above = rating - np.float32(mean_rating)
        score = np.asarray(click + np.float32(settings.rating_weight) * above, np.float32)
    for name, weight in settings.task_weights.items():
        if name in more:
            logits = np.where(np.isnan(more[name]), np.float32(np.inf), more[name])  # without it: certain
            unlikely = np.logaddexp(np.float32(0), -logits)  # -log(sigmoid(logit))
            score = np.asarray(score - np.float32(weight) * unlikely, np.float32)
    return score
