"""What visits come to."""

from __future__ import annotations

import numpy as np
import pytest

from streams.offline.simulation.measures import (
    Columns,
    columns_of,
    figures,
    gained,
    lifted,
    mean,
    ratio,
    recovery,
    windows,
)
from streams.offline.simulation.visiting import VisitOutcome


def visits(value: list[float], best: list[float] | None = None, users: list[int] | None = None) -> Columns:
    return columns_of(
        [
            VisitOutcome(
                 k, 10 * k, (users or range(len(value)))[k], "a", each, (best or [1.0] * len(value))[k],
                 0.5, 0.1, 1, 5 * k, 2 * k, False)
            for k, each in enumerate(value)
        ]
    )  # fmt: skip


def test_quality_is_a_ratio_of_sums() -> None:
    found = figures(visits([0.2, 0.4], [0.5, 1.5]))
    assert found.share.value == pytest.approx(0.6 / 2.0)
    assert found.value.value == pytest.approx(0.3)
    assert found.visits == 2
    assert np.isnan(figures(visits([])).share.value)


def test_visits_of_one_user_are_no_more_than_one_user() -> None:
    """Ten times the same visits of each user tell no more than one time."""
    rng = np.random.default_rng(1)
    once = rng.normal(size=50)
    users = np.arange(50)
    few = mean(once, users)
    many = mean(np.repeat(once, 10), np.repeat(users, 10))
    assert many.value == pytest.approx(few.value)
    assert many.error == pytest.approx(few.error)
    assert few.error == pytest.approx(once.std(ddof=1) / np.sqrt(50))


def test_errors_cover_the_truth() -> None:
    """A ratio of sums over users with visits that hang together: 95 of 100 intervals hold the truth."""
    rng = np.random.default_rng(2)
    held = 0
    for _ in range(400):
        counts = rng.integers(1, 20, 80)
        users = np.repeat(np.arange(80), counts)
        below = rng.exponential(1.0, 80)[users] + 0.5
        above = (0.4 + rng.normal(0, 0.2, 80)[users]) * below
        found = ratio(above, below, users)
        held += abs(found.value - 0.4) < 1.96 * found.error
    assert 0.9 < held / 400 < 0.98


def test_gains_are_of_the_same_visits_and_lifts_of_other_users() -> None:
    first, second = visits([1.0, 2.0, 3.0]), visits([1.1, 2.2, 3.3])
    found = gained(second, first)
    assert found.value == pytest.approx(0.1)
    assert found.error == pytest.approx(0.0, abs=1e-12)
    lift = lifted(second, first)
    assert lift.value == pytest.approx(0.1)
    assert lift.error > 0.3


def test_windows_end_with_what_is_left() -> None:
    found = windows(visits([0.1, 0.3, 0.5]), 2)
    assert [(each.until, each.events, each.learned) for each in found] == [(2, 5, 2), (3, 10, 4)]
    assert [each.share for each in found] == pytest.approx([0.2, 0.5])


def test_a_recovery_ends_with_the_first_whole_window_at_nine_tenths() -> None:
    """Quality 1, then .2, .2, 1, 1, .2, .2, .6, 1, 1, 1, 1: two windows of two are at .9 from visit 18 on."""
    after = [0.2, 0.2, 1.0, 1.0, 0.2, 0.2, 0.6, 1.0, 1.0, 1.0, 1.0]
    found = recovery(visits([0.5] * 5 + [1.0] * 5 + after), 10, 2)
    assert found is not None
    assert (found.before, found.lowest, found.last) == pytest.approx((1.0, 0.2, 1.0))
    assert (found.visits, found.events, found.learned) == (8, 40, 16)
    cut = recovery(visits([1.0] * 10 + after[:-2]), 10, 2)
    assert cut is not None
    assert cut.events is None


def test_a_recovery_may_not_come_or_not_be_needed() -> None:
    never = recovery(visits([1.0] * 5 + [0.5] * 5), 5, 2)
    assert never is not None
    assert never.events is None
    none = recovery(visits([1.0] * 5 + [0.95] * 5), 5, 2)
    assert none is not None
    assert none.events == 0
    assert recovery(visits([1.0] * 5), 5, 2) is None
