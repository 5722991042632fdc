"""Popularity against sums of exponentials written down directly."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.errors import StoreError
from streams.counters.popularity import REBASE_AT, Popularity
from streams.counters.settings import CounterSettings

HALF_LIVES_S = (10.0, 100.0, 10_000.0)
SETTINGS = CounterSettings(half_lives_s=HALF_LIVES_S)
ITEMS = 4
START_MS = 1_700_000_000_000
# The shortest half-life rebases after REBASE_AT / ln 2 of it; the span crosses that several times.
SPAN_MS = int(4 * REBASE_AT / math.log(2) * HALF_LIVES_S[0] * 1_000)

Event = tuple[int, int, float]
events = st.lists(
    st.tuples(
        st.integers(0, ITEMS - 1),
        st.integers(0, SPAN_MS).map(lambda ms: START_MS + ms),
        st.sampled_from([0.2, 1.0]),
    ),
    min_size=1,
    max_size=40,
)


def counted(history: list[Event]) -> Popularity:
    popularity = Popularity(SETTINGS)
    popularity.grow(ITEMS)
    for row, ts, weight in history:
        popularity.observe(row, ts, weight, math.nan)
    return popularity


def direct(history: list[Event], now_ms: int) -> np.ndarray:
    """[ITEMS, 3]: each event's weight, halved once per half-life of its age."""
    sums = np.zeros((ITEMS, len(HALF_LIVES_S)))
    for row, ts, weight in history:
        for column, half_life_s in enumerate(HALF_LIVES_S):
            sums[row, column] += weight * 0.5 ** ((now_ms - ts) / 1_000 / half_life_s)
    return sums


@given(events)
def test_decayed_counts_are_the_sums_of_exponentials_across_rebases(history: list[Event]) -> None:
    history = sorted(history, key=lambda event: event[1])
    now_ms = history[-1][1]
    found = counted(history)
    np.testing.assert_allclose(
        found.decayed[:ITEMS] * found.ages(now_ms), direct(history, now_ms), rtol=1e-9, atol=1e-30
    )


@given(events)
def test_events_that_come_late_count_as_of_their_own_time(history: list[Event]) -> None:
    now_ms = max(ts for _, ts, _ in history)
    found = counted(history)  # in the order they came, whatever their times
    np.testing.assert_allclose(
        found.decayed[:ITEMS] * found.ages(now_ms), direct(history, now_ms), rtol=1e-9, atol=1e-30
    )


@given(events, st.data())
def test_order_of_arrival_changes_only_the_last_digits(history: list[Event], data: st.DataObject) -> None:
    now_ms = max(ts for _, ts, _ in history)
    shuffled = data.draw(st.permutations(history))
    one, other = counted(history), counted(shuffled)
    np.testing.assert_array_equal(one.events, other.events)
    np.testing.assert_allclose(one.total, other.total, rtol=1e-6)
    np.testing.assert_array_equal(one.last_ms, other.last_ms)
    np.testing.assert_allclose(
        one.decayed * one.ages(now_ms), other.decayed * other.ages(now_ms), rtol=1e-9, atol=1e-30
    )


@given(events)
def test_the_same_events_give_the_same_bits(history: list[Event]) -> None:
    one, other = counted(history), counted(history)
    assert one.decayed.tobytes() == other.decayed.tobytes()
    assert one.total.tobytes() == other.total.tobytes()


def test_half_of_a_count_is_left_after_a_half_life() -> None:
    popularity = counted([(0, START_MS, 1.0)])
    for column, half_life_s in enumerate(HALF_LIVES_S):
        later = START_MS + int(half_life_s * 1_000)
        assert popularity.decayed[0, column] * popularity.ages(later)[column] == pytest.approx(0.5)


def test_ages_of_many_moments_are_those_of_each() -> None:
    popularity = counted([(0, START_MS, 1.0)])
    moments = START_MS + np.array([-(10**12), 0, 1, 90_000, 10**13])
    many = popularity.ages(moments)
    assert many.tobytes() == np.stack([popularity.ages(each) for each in moments.tolist()]).tobytes()
    assert (many[1] == 1.0).all()
    assert (many[4] < 1e-250).all()


def test_centuries_of_silence_leave_finite_numbers() -> None:
    popularity = counted([(0, START_MS, 1.0)])
    far = START_MS + 300 * 365 * 86_400_000
    assert np.isfinite(popularity.decayed * popularity.ages(far)).all()
    popularity.observe(1, far, 1.0, math.nan)
    popularity.observe(0, START_MS, 1.0, math.nan)
    assert np.isfinite(popularity.decayed).all()
    assert popularity.decayed[1, 0] * popularity.ages(far)[0] == 1.0
    assert np.isfinite(popularity.decayed * popularity.ages(0)).all()


def test_ratings_are_summed_and_their_mean_known() -> None:
    popularity = Popularity(SETTINGS)
    popularity.grow(2)
    assert popularity.mean_rating() == 3.0
    for row, rating in ((0, 5.0), (0, 2.0), (1, math.nan)):
        popularity.observe(row, START_MS, 1.0, rating)
    assert (popularity.rating_sum[0], popularity.rating_count[0]) == (7.0, 2)
    assert (popularity.rating_sum[1], popularity.rating_count[1]) == (0.0, 0)
    assert popularity.mean_rating() == 3.5


def test_growing_keeps_what_was_counted() -> None:
    popularity = counted([(3, START_MS, 1.0)])
    popularity.show(np.array([3, 3, 1], np.int32))
    popularity.grow(1_000)
    assert len(popularity.total) >= 1_000
    assert (popularity.total[3], popularity.events[3], popularity.last_ms[3]) == (1.0, 1, START_MS)
    assert popularity.shown[:5].tolist() == [0, 1, 0, 2, 0]
    assert popularity.first_ms[3] == START_MS
    assert not popularity.decayed[ITEMS:].any()


def test_a_row_that_is_not_known_is_refused_before_anything_is_counted() -> None:
    popularity = counted([(0, START_MS, 1.0)])
    for row in (ITEMS, -1):
        with pytest.raises(StoreError, match=f"item row {row}, but only 4 are known"):
            popularity.observe(row, START_MS, 1.0, math.nan)
    assert popularity.events.sum() == 1
