"""A user's bias and likings against a plain computation, and what they may not depend on."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.features import RATING_PRIOR
from streams.counters.popularity import Popularity
from streams.counters.settings import CounterSettings
from streams.signals.histories import histories as read_histories
from streams.signals.rating_bias import LATEST
from streams.state.action_meaning import BUILT_IN
from streams.state.user_state import UserState

ITEMS = 6
ratings = st.one_of(st.just(math.nan), st.integers(1, 5).map(float))
histories = st.lists(st.tuples(st.integers(0, ITEMS - 1), ratings), max_size=20)


def popularity(seed: int) -> Popularity:
    rng = np.random.default_rng(seed)
    counts = Popularity(CounterSettings())
    counts.grow(ITEMS)
    for ts, row in enumerate(rng.integers(0, ITEMS - 1, 30).tolist(), 1):  # the last item has no rating
        counts.observe(row, ts, 1.0, float(rng.integers(1, 6)))
    return counts


def state(history: list[tuple[int, float]]) -> UserState:
    """`history` newest first, as features read it."""
    oldest_first = history[::-1]
    return UserState(
        items=np.array([row for row, _ in oldest_first], np.int32),
        ratings=np.array([rating for _, rating in oldest_first], np.float32),
        actions=np.full(len(history), BUILT_IN.codes["click"], np.uint8),
        times=np.arange(len(history), dtype=np.int64),
    )


class RatingBias(NamedTuple):
    """liking [n], newest first; bias, and what the latest ratings lie above it."""

    liking: np.ndarray
    bias: float
    lately: float


def rating_bias(user: UserState, counts: Popularity) -> RatingBias:
    found = read_histories([user], counts, BUILT_IN)
    return RatingBias(found.liking, *found.bias[0].tolist())


@given(histories, st.integers(0, 3))
def test_agrees_with_a_plain_computation(history: list[tuple[int, float]], seed: int) -> None:
    counts = popularity(seed)
    overall = counts.mean_rating()
    means = (counts.rating_sum + RATING_PRIOR * overall) / (counts.rating_count + RATING_PRIOR)
    above = [rating - means[row] for row, rating in history if not math.isnan(rating)]
    bias = sum(above) / (len(above) + RATING_PRIOR)
    latest = [value - bias for value in above[:LATEST]]
    found = rating_bias(state(history), counts)
    assert found.bias == pytest.approx(bias, abs=1e-5)
    assert found.lately == pytest.approx(sum(latest) / (len(latest) + LATEST), abs=1e-5)
    expected = [rating - means[row] - bias for row, rating in history]
    np.testing.assert_allclose(found.liking, expected, atol=1e-5)  # NaN where there is no rating


def test_a_user_of_good_films_is_not_generous() -> None:
    """Two users give the same stars; what tells them apart is what others gave the items."""
    counts = Popularity(CounterSettings())
    counts.grow(2)
    for ts in range(1, 41):
        counts.observe(0, ts, 1.0, 5.0)
        counts.observe(1, ts, 1.0, 2.0)
    of_good, of_bad = rating_bias(state([(0, 4.0)] * 5), counts), rating_bias(state([(1, 4.0)] * 5), counts)
    assert of_good.bias < 0 < of_bad.bias


def test_a_history_without_ratings_leans_nowhere() -> None:
    found = rating_bias(state([(1, math.nan), (5, math.nan)]), popularity(0))
    assert (found.bias, found.lately) == (0.0, 0.0)
    assert np.isnan(found.liking).all()
