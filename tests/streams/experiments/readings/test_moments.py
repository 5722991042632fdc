"""A metric of an arm is linearised over its users."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.experiments.arm_sums import NOBODY, arm_sums
from streams.experiments.readings.moments import ratio, ratios


@given(st.integers(0, 2**32 - 1), st.integers(3, 60))
def test_variances_are_those_of_the_linearised_values_of_users(seed: int, users: int) -> None:
    rng = np.random.default_rng(seed)
    y, d = rng.integers(1, 30, (2, users)).astype(float)
    values = np.column_stack([rng.binomial(y.astype(int), 0.3), y, rng.binomial(d.astype(int), 0.4), d])
    seen = ratio(arm_sums(values))
    value, before = values[:, 0].sum() / y.sum(), values[:, 2].sum() / d.sum()
    own = (values[:, 0] - value * y) / y.mean()
    earlier = (values[:, 2] - before * d) / d.mean()
    expected = np.cov(own, earlier)
    assert np.isclose(seen.value, value)
    assert np.isclose(seen.before, before)
    assert np.allclose([seen.variance, seen.before_variance], np.diag(expected), atol=1e-9)
    assert np.isclose(seen.covariance, expected[0, 1], atol=1e-9)


def test_a_mean_over_users_has_the_usual_variance() -> None:
    x = np.random.default_rng(1).exponential(2.0, 500)
    ones = np.ones(500)
    seen = ratio(arm_sums(np.column_stack([x, ones, 0 * x, 0 * x])))
    assert np.isclose(seen.value, x.mean())
    assert np.isclose(seen.variance, x.var(ddof=1))
    assert np.isnan(seen.before)


def test_nobody_has_no_value_and_raises_no_warning() -> None:
    assert np.isnan(ratio(NOBODY).value)


def test_many_arms_at_once_are_the_same_as_one_by_one() -> None:
    rng = np.random.default_rng(2)
    arms = [arm_sums(rng.integers(1, 9, (20, 4)).astype(float)) for _ in range(3)]
    together = ratios(
        np.array([20.0] * 3), np.stack([arm.sums for arm in arms]), np.stack([arm.products for arm in arms])
    )
    for at, arm in enumerate(arms):
        assert [each[at] for each in together] == [float(each) for each in ratio(arm)]
