"""Intervals hold the truth as often as they say, on synthetic logs of users who hang together.

`benchmarks/off_policy_coverage.py` does the same with more runs; its figures are in docs/experiments.md.
"""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.off_policy_coverage import Intervals, Make, coverage, population, single, slates, truths
from streams.experiments.off_policy.intervals import normal
from streams.experiments.off_policy.terms import averaged

RUNS, USERS = 120, 300
OF_ROW, OF_SLATE = truths(population())
FEWEST = 0.95 - 3.5 * np.sqrt(0.95 * 0.05 / RUNS)


@pytest.mark.parametrize(("make", "truth"), [(single, OF_ROW), (slates, OF_SLATE)])
def test_intervals_hold_the_truth(make: Make, truth: float) -> None:
    for name, each in coverage(make, truth, RUNS, USERS).items():
        if "SLOPE" not in name:  # which takes some bias for less variance
            assert each.share >= FEWEST, name
            error = each.width / 4 / np.sqrt(RUNS)
            assert abs(each.bias) < 4 * error, name


def test_rows_taken_as_independent_are_too_sure() -> None:
    """Why users are what is counted: with the same rows, each as a user of its own, the interval is
    narrower.
    """
    found: Intervals = single(population(), USERS, 0)
    rng = np.random.default_rng(1)
    users = np.repeat(np.arange(100), 40)
    rows = np.repeat(rng.normal(size=100), 40) + 0.1 * rng.normal(size=4_000)
    by_user = normal(averaged(rows), users)
    by_row = normal(averaged(rows), np.arange(4_000))
    assert by_user.high - by_user.low > 5 * (by_row.high - by_row.low)
    assert found["SNIPW, normal"].users == USERS


def test_the_logged_mean_is_not_the_truth() -> None:
    """The target differs from what ran, so that it takes weights to find it."""
    of = population()
    logged = np.exp(of.logging) / np.exp(of.logging).sum(1, keepdims=True)
    assert abs(float(of.share @ (logged * of.reward).sum(1)) - OF_ROW) > 0.05
