"""From the heads of the model to one score."""

from __future__ import annotations

import math

import numpy as np
import pytest

from model.schema import F32
from streams.ranking.reweighting import Reweight, weighted
from streams.settings.ranking import FeedSettings
from tests.streams.core import Small, batch_of

CLICK, RATING = np.array([1.0, 2.0], np.float32), np.array([5.0, 3.0], np.float32)
MORE = {"like": np.array([0.0, -3.0], np.float32), "buy": np.array([200.0, -200.0], np.float32)}


def score(settings: FeedSettings) -> F32:
    return weighted(CLICK, RATING, MORE, settings, mean_rating=4.0)


def test_the_expected_rating_moves_the_score_by_its_weight() -> None:
    assert score(FeedSettings(rating_weight=0.5)).tolist() == [1.5, 1.5]
    assert score(FeedSettings(rating_weight=0.0)).tolist() == [1.0, 2.0]
    assert score(FeedSettings()).tolist() == pytest.approx([1.3, 1.7])


def test_where_nobody_rates_the_head_for_ratings_says_nothing() -> None:
    """It has learned nothing: what it says of an item is as the network was drawn."""
    assert weighted(CLICK, RATING, MORE, FeedSettings(rating_weight=2.0), None).tolist() == [1.0, 2.0]
    small = Small(items=3)
    batch = batch_of(small.core, [small.request("u")], [2])
    batch.click[:], batch.rating[:] = [1, 2], [5, 1]
    for counted, expected in ((0, [1.0, 2.0]), (4, [1.0 + 0.3 * 2, 2.0 - 0.3 * 2])):
        small.core.counters.popularity.all_rating_count = counted
        small.core.counters.popularity.all_rating_sum = 3.0 * counted
        Reweight(small.core.counters).run(batch, [0])
        assert batch.score.tolist() == pytest.approx(expected)


def test_a_further_task_moves_it_by_the_logarithm_of_its_probability() -> None:
    found = score(FeedSettings(rating_weight=0.0, task_weights={"like": 2.0}))
    expected = [
        click + 2.0 * math.log(1 / (1 + math.exp(-logit)))
        for click, logit in zip([1.0, 2.0], [0.0, -3.0], strict=True)
    ]
    assert found.tolist() == pytest.approx(expected, rel=1e-6)
    assert found.dtype == np.float32


def test_weights_may_be_negative_and_logits_of_any_size_stay_finite() -> None:
    assert score(FeedSettings(rating_weight=0.0, task_weights={"buy": -0.5})).tolist() == pytest.approx(
        [1.0, 2.0 + 100.0]
    )


def test_a_task_that_the_model_does_not_have_moves_nothing() -> None:
    assert score(FeedSettings(rating_weight=0.0, task_weights={"share": 3.0})).tolist() == [1.0, 2.0]


def test_requests_of_a_batch_are_weighted_each_by_its_own_settings() -> None:
    """The second one's model has no task "like"."""
    small = Small(items=3)
    plans = [small.core.plan({"feed": {"task_weights": {"like": weight}}}) for weight in (1.0, 2.0, 0.0)]
    requests = [small.request("u", plan=plan) for plan in plans]
    batch = batch_of(small.core, requests, [2, 1, 3])
    batch.click[:] = [1, 2, 3, 4, 5, 6]
    batch.more["like"] = np.array([0, 0, np.nan, 0, 0, 0], np.float32)
    Reweight(small.core.counters).run(batch, [0, 1, 2])
    half = math.log(0.5)
    assert batch.score.tolist() == pytest.approx([1 + half, 2 + half, 3, 4, 5, 6])
