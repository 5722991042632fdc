"""Sequences agree with GrowthBook's published values and with ville, and alarm as foreseen."""

from __future__ import annotations

import math

import numpy as np
import pytest
from ville import AsymptoticCS

from streams.experiments.arm_sums import ArmSums
from streams.experiments.readings.sequence import log_e_value, one_sided_stretch, p_value, rho_for, stretch
from tests.streams.experiments.readings.published import (
    ARM,
    ARM_BEFORE,
    CONTROL_BEFORE,
    FEWER,
    RATIO_ARM,
    RATIO_CONTROL,
    lifted,
    mean_arm,
)


@pytest.mark.parametrize(
    ("control", "arm", "cuped", "tuned_at", "low", "high"),
    [
        (FEWER, ARM, False, 1000, -0.55844, 1.56516),
        (RATIO_CONTROL, RATIO_ARM, True, 5000, -0.02063, 0.01923),
    ],
)
def test_published_intervals(
    control: ArmSums, arm: ArmSums, cuped: bool, tuned_at: float, low: float, high: float
) -> None:
    seen, rho = lifted(control, arm, cuped), rho_for(0.05, tuned_at)
    half = float(np.sqrt(seen.variance * stretch(seen.users, 0.05, rho)))
    assert float(seen.value) - half == pytest.approx(low, abs=6e-6)
    assert float(seen.value) + half == pytest.approx(high, abs=6e-6)
    assert float(p_value(log_e_value(seen.value, seen.variance, seen.users, rho))) == 1.0


def test_published_interval_with_cuped_of_a_mean() -> None:
    """For means GrowthBook weighs control's variance by the unadjusted lift: the fifth digit differs."""
    seen = lifted(CONTROL_BEFORE, ARM_BEFORE, cuped=True)
    half = float(np.sqrt(seen.variance * stretch(seen.users, 0.05, rho_for(0.05, 5000))))
    assert float(seen.value) - half == pytest.approx(-0.50969, abs=2e-5)
    assert float(seen.value) + half == pytest.approx(1.51646, abs=2e-5)


def test_published_interval_of_a_share_of_users() -> None:
    """GrowthBook divides a share's variance by users, not by one less: the fifth digit differs."""
    seen = lifted(mean_arm(3000, 1396, 1396), mean_arm(3461, 2422, 2422))
    half = float(np.sqrt(seen.variance * stretch(seen.users, 0.05, rho_for(0.05, 5000))))
    assert float(seen.value) - half == pytest.approx(0.40098, abs=3e-5)
    assert float(seen.value) + half == pytest.approx(0.60675, abs=3e-5)


def test_published_one_sided_bounds() -> None:
    seen, rho = lifted(FEWER, ARM), rho_for(0.05, 5000, two_sided=False)
    width = float(np.sqrt(seen.variance * one_sided_stretch(seen.users, 0.05, rho)))
    assert float(seen.value) - width == pytest.approx(-0.42356454602790883, abs=1e-9)
    assert float(seen.value) + width == pytest.approx(1.4302867177403806, abs=1e-9)


@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.2])
def test_width_is_that_of_a_second_implementation(alpha: float) -> None:
    x = np.random.default_rng(1).exponential(3.0, 2_000)
    theirs = AsymptoticCS(alpha=alpha, t_opt=800, min_samples=2)
    theirs.update(x)
    rho = 1.0 / math.sqrt(theirs.rho_)  # theirs is the precision of the mixture, ours its deviation
    for users in (10, 100, 2_000):
        half = math.sqrt(x[:users].var(ddof=1) / users * float(stretch(np.float64(users), alpha, rho)))
        assert theirs.upper_[users - 1] - theirs.estimate_[users - 1] == pytest.approx(half, rel=1e-9)
    # Theirs is found by search, ours by the paper's formula.
    assert rho_for(alpha, 800.0) == pytest.approx(rho, rel=0.04)


def test_one_sided_width_is_at_most_the_two_sided_one_and_holds_at_one_look() -> None:
    users = np.array([50.0, 500.0, 5_000.0])
    rho = rho_for(0.05, 500.0)
    assert (one_sided_stretch(users, 0.05, rho) < stretch(users, 0.05, rho)).all()
    assert (one_sided_stretch(users, 0.05, rho) > 1.6449**2).all()


@pytest.mark.parametrize("z", [0.0, 1.0, 2.5, 3.2, 4.0, 6.0])
def test_p_is_at_most_alpha_exactly_where_the_interval_leaves_0_out(z: float) -> None:
    users, rho = np.array([20.0, 300.0, 9_000.0]), rho_for(0.05, 1_000.0)
    p = p_value(log_e_value(np.full(3, z), np.ones(3), users, rho))
    assert ((p <= 0.05) == (z >= np.sqrt(stretch(users, 0.05, rho)))).all()


def test_no_variance_is_no_evidence() -> None:
    assert float(p_value(log_e_value(np.float64(1.0), np.float64(0.0), np.float64(9.0), 0.1))) == 1.0


def test_evidence_is_a_martingale_without_an_effect() -> None:
    """The mean of the e-value of a normal estimate is 1, by quadrature."""
    z, weight = np.polynomial.hermite_e.hermegauss(120)
    e = np.exp(log_e_value(z, np.ones(120), np.float64(40.0), rho_for(0.05, 100.0)))
    assert float(weight @ e / weight.sum()) == pytest.approx(1.0, rel=1e-6)
