"""Adaptive allocation: weights, and what is read of arms that had them."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.errors import DataError
from streams.experiments.allocation.inference import (
    AllocationReading,
    Period,
    known_of_periods,
    reading,
)
from streams.experiments.allocation.mixture import best_chances, weights
from streams.experiments.arm_sums import F64, NOBODY, ArmSums, arm_sums
from streams.experiments.declared.adaptive import AdaptiveSettings
from streams.experiments.readings.moments import Ratio, ratio
from streams.experiments.readings.weighted import weighted

SETTINGS = AdaptiveSettings(even=500, falls=0.2, least=0.1)


def users(values: F64) -> ArmSums:
    """Sums of users with one value each."""
    nothing = np.zeros(len(values))
    return arm_sums(np.column_stack([values, np.ones(len(values)), nothing, nothing]))


def chances(known: list[Ratio]) -> list[float]:
    """Of each arm, to be the best."""
    with np.errstate(divide="ignore", invalid="ignore"):
        squared = np.array([each.variance / each.users for each in known])
    found: list[float] = best_chances(np.array([each.value for each in known]), squared).tolist()
    return found


def played(
    means: Mapping[str, float], periods: int, each: int, seed: int, drift: float = 0.0
) -> list[Period]:
    """Users who click with their arm's chance, in periods whose weights follow from what came before.
    `drift`: so much more everybody clicks in the end than in the begin.
    """
    rng, found = np.random.default_rng(seed), list[Period]()
    known, count = dict.fromkeys(means, ratio(NOBODY)), 0
    for number in range(periods):
        shares = weights(known, count, SETTINGS)
        dealt = rng.multinomial(each, list(shares.values()))
        more = drift * number / periods
        sums = {
            arm: users((rng.random(n) < mean + more).astype(float))
            for (arm, mean), n in zip(means.items(), dealt, strict=True)
        }
        found.append(Period(shares, sums))
        known = {arm: weighted(known_of_periods(found, arm)) for arm in means}
        count += each
    return found


def looked_at(periods: list[Period], planned: int) -> list[AllocationReading]:
    """The reading after each period."""
    return [reading(periods[:k], planned) for k in range(1, len(periods) + 1)]


@given(
    st.dictionaries(st.text("abc", min_size=1), st.floats(0.05, 0.95), min_size=1, max_size=5),
    st.integers(0, 10**7),
    st.integers(0, 2**32),
)
def test_weights_are_a_mixture_with_a_floor(means: dict[str, float], count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    known = {arm: ratio(users((rng.random(50) < mean).astype(float))) for arm, mean in means.items()}
    found = weights(known, count, SETTINGS)
    assert sum(found.values()) == pytest.approx(1.0)
    assert min(found.values()) >= SETTINGS.delta(count) / len(means) * (1 - 1e-9)
    assert found == weights(known, count, SETTINGS)


def test_the_first_users_are_dealt_evenly() -> None:
    clicked = {"a": np.r_[np.ones(90), 0.0], "b": np.r_[np.zeros(90), 1.0]}
    known = {arm: ratio(users(values)) for arm, values in clicked.items()}
    assert weights(known, 500, SETTINGS) == {"a": 0.5, "b": 0.5}
    assert weights(known, 10_000, SETTINGS)["a"] > 0.7
    assert weights(known, 10_000, SETTINGS, rises=False)["b"] > 0.7
    assert SETTINGS.delta(10**12) == SETTINGS.least


def test_the_chance_to_be_best_is_that_of_draws() -> None:
    rng = np.random.default_rng(1)
    sums = {
        arm: users((rng.random(400) < mean).astype(float))
        for arm, mean in (("a", 0.3), ("b", 0.33), ("c", 0.28))
    }
    known = [ratio(each) for each in sums.values()]
    found = chances(known)
    draws = []
    for each in sums.values():
        mean = each.sums[0] / each.users
        draws.append(rng.normal(mean, math.sqrt(mean * (1 - mean) / (each.users - 1)), 200_000))
    best = np.bincount(np.argmax(draws, axis=0), minlength=3) / 200_000
    assert found == pytest.approx(best.tolist(), abs=0.005)


def test_nothing_known_is_even() -> None:
    assert chances([ratio(NOBODY), ratio(users(np.ones(9)))]) == [0.5, 0.5]
    with pytest.raises(DataError, match="no arm"):
        weights({}, 0, SETTINGS)


def test_traffic_goes_to_the_best_arm_and_it_is_named() -> None:
    periods = played({"plain": 0.20, "bold": 0.30, "calm": 0.22}, periods=30, each=500, seed=3)
    found = reading(periods, planned=15_000)
    assert found.best == found.leads == "bold"
    assert periods[-1].weights["bold"] > 0.6
    pair = next(each for each in found.differences if {each.arm, each.other} == {"plain", "bold"})
    assert (pair.arm, pair.low < -0.1 < pair.high) == ("plain", True)
    assert reading(periods[:1], planned=15_000).best == ""


def test_equal_arms_alarm_at_most_as_often_as_said() -> None:
    """Over all looks, while everybody comes to click more and the bandit chases its luck. And the truth, no
    difference, is never far outside either.
    """
    runs = 250
    ever = sum(
        any(look.best for look in looked_at(played({"a": 0.2, "b": 0.2}, 20, 250, seed, drift=0.2), 5_000))
        for seed in range(runs)
    )
    assert ever / runs <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / runs)


def test_intervals_hold_the_difference_at_all_times() -> None:
    runs, missed = 200, 0
    for seed in range(runs):
        looks = looked_at(played({"a": 0.25, "b": 0.3}, 20, 250, seed, drift=0.2), 5_000)
        missed += any(not look.differences[0].low <= -0.05 <= look.differences[0].high for look in looks)
    assert missed / runs <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / runs)


def test_plain_means_would_be_wrong_where_people_change() -> None:
    """Why users count by their weight: an arm that gets more traffic later, when everybody clicks more, looks
    better than it is. Equal arms, of which one is favoured by hand.
    """
    rng = np.random.default_rng(8)
    periods = []
    for number in range(10):
        favoured = 0.5 + 0.04 * number
        dealt = {"a": int(5_000 * favoured), "b": int(5_000 * (1 - favoured))}
        chance = 0.1 + 0.05 * number
        sums = {arm: users((rng.random(n) < chance).astype(float)) for arm, n in dealt.items()}
        periods.append(Period({"a": favoured, "b": 1 - favoured}, sums))
    totals = dict.fromkeys(("a", "b"), NOBODY)
    for period in periods:
        totals = {arm: totals[arm].plus(period.sums[arm]) for arm in totals}
    plain = {arm: each.sums[0] / each.users for arm, each in totals.items()}
    assert plain["a"] - plain["b"] > 0.05
    (found,) = reading(periods, planned=50_000).differences
    assert abs(found.value) < 0.02
    assert found.low < 0 < found.high


def test_a_ratio_is_read_as_the_difference_of_ratios() -> None:
    """Clicks over impressions: .2 against .3, with users who see many or few."""
    rng = np.random.default_rng(9)
    periods = []
    for _ in range(10):
        sums = {}
        for arm, chance in (("a", 0.2), ("b", 0.3)):
            seen = rng.integers(1, 30, 1_000)
            clicks = rng.binomial(seen, chance)
            sums[arm] = arm_sums(np.column_stack([clicks, seen, 0 * seen, 0 * seen]))
        periods.append(Period({"a": 0.5, "b": 0.5}, sums))
    (found,) = reading(periods, planned=20_000).differences
    assert found.value == pytest.approx(-0.1, abs=0.01)
    assert found.low < -0.1 < found.high < 0


def test_what_cannot_be_read_is_refused() -> None:
    sums = {"a": users(np.ones(9)), "b": users(np.ones(9))}
    with pytest.raises(DataError, match=r"the weight of b is 0\.0"):
        reading([Period({"a": 1.0, "b": 0.0}, sums)], 100)
    with pytest.raises(DataError, match="when an arm is added"):
        reading([Period({"a": 0.5, "b": 0.5}, sums), Period({"a": 0.5, "c": 0.5}, {})], 100)
    none = reading([], 100)
    assert (none.users, none.best, none.leads) == (0, "", "")
    empty = reading([Period({"a": 0.5, "b": 0.5}, {})], 100)
    assert (empty.users, empty.best) == (0, "")
    assert empty.differences[0].high == math.inf


def test_a_begin_without_any_click_does_not_last() -> None:
    nobody = {"a": users(np.zeros(200)), "b": users(np.zeros(200))}
    some = {"a": users(np.r_[np.ones(120), np.zeros(80)]), "b": users(np.r_[np.ones(20), np.zeros(180)])}
    even = {"a": 0.5, "b": 0.5}
    assert reading([Period(even, nobody)], 2_000).differences[0].high == math.inf
    (found,) = reading([Period(even, nobody), *[Period(even, some)] * 4], 2_000).differences
    assert found.value == pytest.approx(0.4)
    assert 0 < found.low < found.value < found.high < math.inf
