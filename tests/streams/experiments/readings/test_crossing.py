"""Chances to cross a boundary are those of published constants and of a multivariate normal."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from streams.experiments.readings.crossing import chances, drift_for


@pytest.mark.parametrize(
    ("looks", "pocock", "obrien_fleming"),
    [
        (1, 1.960, 1.960),
        (2, 2.178, 1.977),
        (3, 2.289, 2.004),
        (4, 2.361, 2.024),
        (5, 2.413, 2.040),
        (10, 2.555, 2.087),
    ],
)
def test_constants_of_jennison_and_turnbull(looks: int, pocock: float, obrien_fleming: float) -> None:
    """Tables 2.1 and 2.3, alpha = .05, two-sided."""
    times = [look / looks for look in range(1, looks + 1)]
    assert chances(times, [pocock] * looks).sum() == pytest.approx(0.05, abs=2e-4)
    bounds = [obrien_fleming / np.sqrt(time) for time in times]
    assert chances(times, bounds).sum() == pytest.approx(0.05, abs=2e-4)


def test_three_looks_as_a_multivariate_normal() -> None:
    times, bounds, drift = np.array([0.2, 0.5, 1.0]), np.array([2.8, 2.4, 2.1]), 1.3
    correlation = np.sqrt(np.minimum.outer(times, times) / np.maximum.outer(times, times))
    inside = multivariate_normal(drift * np.sqrt(times), correlation).cdf(bounds, lower_limit=-bounds)
    assert chances(times.tolist(), bounds.tolist(), drift).sum() == pytest.approx(1.0 - inside, abs=1e-5)


def test_drift_of_one_look_is_that_of_the_usual_power() -> None:
    z = norm.ppf(0.975)
    assert drift_for([1.0], [z], 0.8) == pytest.approx(z + norm.ppf(0.8), abs=1e-5)
