"""What estimators are by their definitions, on rows that are counted out."""

from __future__ import annotations

import re
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.errors import DataError
from streams.experiments.off_policy.diagnostics import Limits, diagnose, refusal
from streams.experiments.off_policy.doubly_robust import dr, dros, sndr, switch_dr
from streams.experiments.off_policy.intervals import bernstein, bootstrap, normal
from streams.experiments.off_policy.reward_model import cross_fitted
from streams.experiments.off_policy.slates import cascade_dr, iips, rips, standard_ips
from streams.experiments.off_policy.slope import slope
from streams.experiments.off_policy.terms import F64, Terms, averaged, normalised, weights_of
from streams.experiments.off_policy.weighting import ipw, snipw

numbers = st.lists(st.floats(0.01, 5), min_size=30, max_size=60)


@given(numbers, st.integers(0, 2**32))
def test_without_a_difference_between_arms_all_give_the_mean(rewards: list[float], seed: int) -> None:
    reward, one = np.array(rewards), np.ones(len(rewards))
    told = np.random.default_rng(seed).normal(size=len(rewards))
    expected = pytest.approx(reward.mean())
    for terms in (
        ipw(reward, one),
        snipw(reward, one),
        dr(reward, one, told, told),
        sndr(reward, one, told, told),
    ):
        assert terms.value == expected


@given(numbers, numbers)
def test_shrinkage_goes_from_the_model_to_dr(rewards: list[float], weighted: list[float]) -> None:
    n = min(len(rewards), len(weighted))
    reward, weight, told = np.array(rewards[:n]), np.array(weighted[:n]), np.linspace(0, 1, n)
    assert dros(reward, weight, told, told, 0.0).value == pytest.approx(told.mean())
    assert dros(reward, weight, told, told, np.inf).value == dr(reward, weight, told, told).value
    assert switch_dr(reward, weight, told, told, 0.0).value == pytest.approx(told.mean())
    assert switch_dr(reward, weight, told, told, np.inf).value == dr(reward, weight, told, told).value


def test_the_influence_of_a_ratio_is_its_derivative() -> None:
    rng = np.random.default_rng(3)
    plain, above, below = rng.normal(size=40), rng.normal(size=(40, 2)), rng.uniform(0.5, 2, (40, 2))
    terms = normalised(plain, above, below)
    for row in (0, 17):
        more = 1e-6
        copies = [np.array(each) for each in (plain, above, below)]
        share = np.ones(40)
        share[row] += more
        moved = float(share @ copies[0] / share.sum() + ((share @ copies[1]) / (share @ copies[2])).sum())
        assert (moved - terms.value) / more * 40 == pytest.approx(terms.influence[row], rel=1e-3)


def rankings() -> tuple[F64, F64, F64, F64, F64]:
    """Every slate of 2 of 3 items once: conditional chances, rewards in which the first item changes the
    second place's. Each row weighs as often as it is drawn.
    """
    scores = {"logged": np.array([0.0, 0.5, -0.5]), "target": np.array([1.0, -1.0, 0.3])}
    rows = list(permutations(range(3), 2))
    given_above = {}
    for name, each in scores.items():
        likely = np.exp(each)
        given_above[name] = np.array(
            [[likely[a] / likely.sum(), likely[b] / (likely.sum() - likely[a])] for a, b in rows]
        )
    reward = np.array([[0.1 + a, 0.5 * b + 2.0 * (a == 0)] for a, b in rows])
    truth = given_above["target"].prod(1) @ reward
    return given_above["target"], given_above["logged"], reward, truth, given_above["logged"].prod(1)


def test_slates_are_unbiased_where_their_assumption_holds() -> None:
    """Over all slates as often as they are drawn: the whole slate and the cascade find the truth of each
    place, places that look at themselves alone do not.
    """
    target, logged, reward, truth, often = rankings()
    likely = [np.exp([0.0, 0.5, -0.5]), np.exp([1.0, -1.0, 0.3])]

    def at_second(weights: F64, item: int) -> float:
        others = [k for k in range(3) if k != item]
        total = weights.sum()
        return float(sum(weights[k] / total * weights[item] / (total - weights[k]) for k in others))

    rows = list(permutations(range(3), 2))
    logged_at = np.array([[likely[0][a] / likely[0].sum(), at_second(likely[0], b)] for a, b in rows])
    target_at = np.array([[likely[1][a] / likely[1].sum(), at_second(likely[1], b)] for a, b in rows])
    predicted = np.array([[0.3 * a, 0.2 * b] for a, b in rows])
    conditional = [np.exp([1.0, -1.0, 0.3])] * 2
    expected = np.array(
        [
            [
                float(conditional[0] @ np.array([0.0, 0.3, 0.6])) / conditional[0].sum(),
                sum(conditional[0][k] * 0.2 * k for k in range(3) if k != a)
                / (conditional[0].sum() - conditional[0][a]),
            ]
            for a, _ in rows
        ]
    )
    whole = standard_ips(reward, target, logged)
    assert often @ whole.plain == pytest.approx(truth.sum())
    assert often @ rips(reward, target, logged).plain == pytest.approx(truth.sum())
    found = cascade_dr(reward, target, logged, predicted, expected)
    assert often @ found.plain == pytest.approx(truth.sum())
    alone = iips(reward, target_at, logged_at)
    assert abs(often @ alone.plain - truth.sum()) > 0.1
    no_cascade = np.array([[0.1 + a, 0.5 * b] for a, b in rows])
    truth_alone = (target.prod(1) @ no_cascade).sum()
    assert often @ iips(no_cascade, target_at, logged_at).plain == pytest.approx(truth_alone)


def test_cross_fitting_tells_no_user_by_their_own_rewards() -> None:
    """Where one user alone has a reward, nothing of it is told of that user."""
    users = np.repeat(np.arange(10), 3)
    reward = np.zeros((30, 2))
    reward[users == 4] = 1.0
    features = np.random.default_rng(1).normal(size=(30, 2, 1))
    told = cross_fitted(users, reward, features, features)
    assert np.abs(told.predicted[users == 4]).max() == pytest.approx(0.0, abs=1e-12)
    assert np.abs(told.predicted[users == 5]).max() > 0


def test_slope_stops_before_what_does_not_agree() -> None:
    """Three candidates: wide and right, narrow and right, narrowest and far off."""
    rng = np.random.default_rng(2)
    rows = {0.0: rng.normal(1.0, 3.0, 400), 1.0: rng.normal(1.0, 0.5, 400), 2.0: rng.normal(9.0, 0.1, 400)}

    def estimate(parameter: float) -> Terms:
        return averaged(rows[parameter])

    assert slope(estimate, [0.0, 1.0, 2.0]) == slope(estimate, [2.0, 1.0, 0.0]) == 1.0
    assert slope(estimate, [0.0, 1.0]) == 1.0
    with pytest.raises(DataError, match="no candidates"):
        slope(estimate, [])


def test_weights_that_cannot_be_are_refused() -> None:
    half = np.full(3, 0.5)
    with pytest.raises(DataError, match="logged propensities are 0"):
        weights_of(half, np.array([0.5, 0.0, 0.5]))
    with pytest.raises(DataError, match="no probabilities, as nan"):
        weights_of(half, np.array([0.5, np.nan, 0.5]))
    with pytest.raises(DataError, match="expected the same one"):
        weights_of(half[:2], half)
    with pytest.raises(DataError, match="0 or more"):
        dros(half, half, half, half, -1.0)


@pytest.mark.parametrize(
    ("weight", "why"),
    [
        (np.r_[np.ones(990), np.full(10, 0.0)], ""),
        (np.r_[np.zeros(960), np.full(40, 25.0)], "effective size of 40"),
        (np.full(1_000, 0.7), "never could"),
        (np.full(1_000, 1.4), "too small for what was shown"),
        (np.r_[np.full(2_000, 0.9), np.full(1, 240.0)], "effective size|one row has"),
    ],
)
def test_a_reading_is_refused_with_what_to_do(weight: F64, why: str) -> None:
    told = refusal(diagnose(weight))
    assert bool(told) == bool(why)
    if why:
        assert re.search(why, told)
        assert "expected" in told


def test_limits_can_be_set() -> None:
    assert not refusal(diagnose(np.r_[np.zeros(960), np.full(40, 25.0)]), Limits(effective=30))


def test_too_few_users_have_no_interval() -> None:
    terms = averaged(np.ones(100))
    with pytest.raises(DataError, match="29 users are in the log; expected at least 30"):
        normal(terms, np.arange(100) % 29)


def test_a_bound_is_for_plain_means_from_0_alone() -> None:
    users = np.arange(60)
    with pytest.raises(DataError, match="bernstein: expected a plain mean"):
        bernstein(snipw(np.ones(60), np.ones(60)), users, 1.0)
    with pytest.raises(DataError, match="from 0 to 1"):
        bernstein(averaged(np.full(60, 2.0)), users, 1.0)


def test_the_bootstrap_agrees_with_the_normal_interval_of_many_users() -> None:
    rng = np.random.default_rng(4)
    users = np.repeat(np.arange(500), 2)
    terms = snipw(rng.random(1_000), rng.uniform(0.5, 2, 1_000))
    wide, drawn = normal(terms, users), bootstrap(terms, users, seed=1)
    assert drawn.high - drawn.low == pytest.approx(wide.high - wide.low, rel=0.1)
    assert bootstrap(terms, users, seed=1) == drawn
