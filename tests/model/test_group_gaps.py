"""Gaps between groups: against Welch where users have one event, and by cluster where they have more."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from model.group_gaps import group_gaps


def test_agrees_with_welch_where_each_user_has_one_event() -> None:
    rng = np.random.default_rng(1)
    values = np.concatenate([rng.normal(0.3, 1.0, 150), rng.normal(0.0, 2.0, 250)])
    groups = np.repeat(["a", "b"], [150, 250])
    first, second = group_gaps(values, groups, np.arange(400))
    welch = stats.ttest_ind(values[:150], values[150:], equal_var=False).confidence_interval(0.95)
    assert first.difference == pytest.approx(values[:150].mean() - values[150:].mean())
    assert (first.low, first.high) == pytest.approx((welch.low, welch.high), abs=0.02)
    assert (second.low, second.high) == pytest.approx((-first.high, -first.low), abs=0.02)
    assert (first.users, first.events) == (150, 150)
    assert first.mean == pytest.approx(values[:150].mean())


def test_events_of_one_user_count_as_one_where_they_are_alike() -> None:
    """Ten copies of each user's event say no more than one does."""
    rng = np.random.default_rng(2)
    values, groups = rng.normal(size=80), np.repeat(["a", "b"], 40)
    users = np.arange(80)
    once, _ = group_gaps(values, groups, users)
    again, _ = group_gaps(np.tile(values, 10), np.tile(groups, 10), np.tile(users, 10))
    assert (again.low, again.high) == pytest.approx((once.low, once.high), abs=1e-9)
    assert (again.users, again.events) == (40, 400)


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    """Users differ in level and number of events; the true gap is 0."""
    rng = np.random.default_rng(3)
    covered = 0
    for _ in range(40):
        levels, events = rng.normal(size=60), rng.integers(1, 6, 60)
        users = np.repeat(np.arange(60), events)
        values = levels[users] + 0.2 * rng.normal(size=len(users))
        gap, _ = group_gaps(values, np.where(users % 2 == 0, "even", "odd"), users)
        covered += gap.low <= 0 <= gap.high
    assert stats.binomtest(covered, 40, 0.95).pvalue > 0.001


def test_what_holds_among_many_is_stricter() -> None:
    """The gap is two and a half standard errors: clear by itself, not among fifty."""
    normal = stats.norm.ppf((np.arange(100) + 0.5) / 100)
    values = np.concatenate([normal + 2.5 * 2**0.5 / 10, normal])
    groups, users = np.repeat(["a", "b"], 100), np.arange(200)
    alone, many = (group_gaps(values, groups, users, compared)[0] for compared in (1, 50))
    assert alone.low > 0
    assert (alone.holds, many.holds) == (True, False)
    assert (alone.low, alone.high) == (many.low, many.high)
    clear, _ = group_gaps(values + 2 * (groups == "a"), groups, users, 50)
    assert clear.holds


def test_small_groups_and_unknown_ones_are_left_out() -> None:
    groups = np.repeat(["a", "b", "few", ""], [30, 30, 9, 11])
    found = group_gaps(np.arange(80.0), groups, np.arange(80))
    assert [each.group for each in found] == ["a", "b"]
    assert found[0].difference == pytest.approx(np.arange(30).mean() - np.arange(30, 69).mean())
    assert group_gaps([1.0] * 20, ["only"] * 20, np.arange(20)) == []
    assert group_gaps([], [], []) == []


def test_the_same_seed_gives_the_same_intervals() -> None:
    values, groups = np.random.default_rng(5).normal(size=40), np.repeat(["a", "b"], 20)
    assert group_gaps(values, groups, np.arange(40)) == group_gaps(values, groups, np.arange(40))
    assert group_gaps(values, groups, np.arange(40), seed=8) != group_gaps(values, groups, np.arange(40))
