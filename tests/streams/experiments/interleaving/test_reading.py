"""Wins are read at any time without more false alarms than said."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad

from streams.experiments.interleaving.reading import mean_credit, preference, user_credit


def test_each_user_counts_once() -> None:
    users = ["a", "a", "b", "a", "b", "c"]
    outcomes = [1.0, 1.0, -0.5, -9.0, 0.5, 7.0]
    assert user_credit(users, outcomes, 2).tolist() == [2.0, 0.0]
    assert user_credit(users, outcomes, 3).tolist() == [-7.0]
    assert preference(np.array([0.3, 0.0, -1.0, 2.0])).ties == 1


def test_the_e_value_is_the_mixture_over_all_shares() -> None:
    """8 wins and 1 loss: the integral of s^8 (1 - s) over s, over 2^-9."""
    mixed, _ = quad(lambda share: share**8 * (1 - share), 0, 1)
    found = preference(np.array([-1.0, *[1.0] * 8]))
    assert found.p == pytest.approx(1 / (mixed * 2**9))
    assert found.share == 8 / 9
    for end in (found.low, found.high):
        assert mixed / (end**8 * (1 - end)) == pytest.approx(20.0, rel=1e-6)
    assert found.low < found.share < found.high


def test_nothing_yet_is_no_preference() -> None:
    none = preference(np.array([]))
    assert (none.low, none.high, none.p, none.verdict) == (0.0, 1.0, 1.0, "")
    assert math.isnan(none.share)
    assert preference(np.ones(4)).high == 1.0


def test_fair_coins_alarm_at_most_as_often_as_said() -> None:
    """At any of 2,000 users; `p` is that of the largest e-value so far."""
    rng = np.random.default_rng(6)
    ever = np.mean([preference(rng.choice([-1.0, 1.0], 2_000)).p <= 0.05 for _ in range(400)])
    assert 0.002 <= ever <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 400)


def test_a_real_preference_is_found_and_named() -> None:
    rng = np.random.default_rng(7)
    found = preference(np.where(rng.random(800) < 0.6, 1.0, -1.0))
    assert found.verdict == "first"
    assert found.low > 0.5
    assert preference(np.where(rng.random(800) < 0.4, 1.0, -1.0)).verdict == "second"


def test_a_mean_is_held_at_all_times() -> None:
    """Skewed credit of the mean 0, whose sign is mostly positive: looked at after each 25 of 1,000 users."""
    rng = np.random.default_rng(8)
    alarms = 0
    for _ in range(300):
        credit = np.where(rng.random(1_000) < 0.8, 0.25, -1.0)
        alarms += any(mean_credit(credit[:k], 1_000).verdict for k in range(50, 1_001, 25))
    assert alarms / 300 <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 300)
    assert mean_credit(credit + 0.2, 1_000).verdict == "first"
    assert mean_credit(credit - 0.2, 1_000).verdict == "second"
    assert mean_credit(credit[:49], 1_000).high == math.inf


def test_the_width_is_that_of_the_formula() -> None:
    """By hand, for a spread of 1: 400 users, 400 planned."""
    credit = np.tile([1.0, -1.0], 200) * math.sqrt(399 / 400)
    rho2 = (2 * math.log(20) + math.log(2 * math.log(20) + 1)) / 400
    half = math.sqrt(2 * (400 * rho2 + 1) / (400**2 * rho2) * math.log(math.sqrt(400 * rho2 + 1) / 0.05))
    assert mean_credit(credit, 400).high == pytest.approx(half)
