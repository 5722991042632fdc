"""The test of shares agrees with scipy's densities, is a martingale, and finds what is wrong."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import dirichlet_multinomial, multinomial

from streams.experiments.readings.mismatch import CONCENTRATIONS, Period, log_odds, log_odds_of


@pytest.mark.parametrize("users", [(5, 5), (100, 900), (250_000, 252_000), (0, 3)])
def test_odds_are_those_of_two_densities(users: tuple[int, int]) -> None:
    shares, come = np.array([0.5, 0.5]), sum(users)
    densities = [dirichlet_multinomial(each * shares, come).logpmf(users) for each in CONCENTRATIONS]
    expected = (
        np.logaddexp.reduce(densities) - math.log(len(densities)) - multinomial(come, shares).logpmf(users)
    )
    assert float(log_odds(np.array(users), shares)) == pytest.approx(expected, abs=1e-4)


def test_odds_are_a_martingale_where_the_shares_are_right() -> None:
    """Whatever came before, the mean of the odds after one more user is the odds now."""
    shares = np.array([0.2, 0.3, 0.5])
    for now in (np.array([0, 0, 0]), np.array([7, 1, 30])):
        following = [
            share * np.exp(log_odds(now + one, shares)) for share, one in zip(shares, np.eye(3), strict=True)
        ]
        assert sum(following) == pytest.approx(float(np.exp(log_odds(now, shares))), rel=1e-9)


def test_shares_are_relative() -> None:
    users = np.array([40, 70])
    assert log_odds(users, np.array([1.0, 3.0])) == pytest.approx(log_odds(users, np.array([0.25, 0.75])))


def test_a_gross_mismatch_is_found_in_few_users_and_a_fair_split_is_not() -> None:
    half = np.array([0.5, 0.5])
    assert float(log_odds(np.array([100, 200]), half)) > math.log(100)
    assert float(log_odds(np.array([5_000, 5_030]), half)) < 0.0


def test_changed_shares_are_judged_by_period() -> None:
    """Half and half, then 9 to 1: all of it together is not what the last shares say, each period is."""
    periods = [Period((1_000, 1_000), (1.0, 1.0)), Period((900, 100), (0.9, 0.1))]
    assert log_odds_of(periods) < 0.0
    assert log_odds_of([Period((1_900, 1_100), (0.9, 0.1))]) > math.log(1e6)


def test_an_arm_that_was_stopped_is_left_out() -> None:
    assert log_odds_of([Period((500, 0, 510), (1.0, 0.0, 1.0))]) < 0.0
    assert log_odds_of([Period((10, 3), (1.0, 0.0))]) == 0.0
