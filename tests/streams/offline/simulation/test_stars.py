"""What users think of an item once they have it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from streams.offline.simulation.stars import Stars, stars_of


def test_planted_biases_and_slope_are_found() -> None:
    rng = np.random.default_rng(1)
    users, items = rng.integers(0, 40, 6_000), rng.integers(0, 30, 6_000)
    of_users, of_items, taste = rng.normal(0, 0.4, 40), rng.normal(0, 0.5, 30), rng.normal(2.0, 1.0, 6_000)
    given = 3.0 + of_users[users] + of_items[items] + 0.3 * taste + rng.normal(0, 0.6, 6_000)
    found = stars_of(given.astype(np.float32), users, items, taste, (40, 30))
    assert found is not None
    assert found.slope == pytest.approx(0.3, abs=0.03)
    assert found.noise == pytest.approx(0.6, abs=0.05)
    assert np.corrcoef(found.items, of_items)[0, 1] > 0.95
    assert found.expected(3, 5, 2.0) == pytest.approx(3.6 + of_users[3] + of_items[5], abs=0.25)


def test_low_stars_come_as_often_as_they_are_said_to() -> None:
    stars, expected = Stars(3.0, np.zeros(1), np.zeros(1), 0.0, 0.9), 3.1
    rng = np.random.default_rng(2)
    given = [stars.given(expected, normal) for normal in rng.normal(size=20_000)]
    assert {*given} == {1.0, 2.0, 3.0, 4.0, 5.0}
    chance = stars.low(expected, 2.0)
    assert chance == pytest.approx(stats.norm.cdf((2.5 - 3.1) / 0.9))
    low = sum(each <= 2.0 for each in given)
    assert stats.binomtest(low, len(given), chance).pvalue > 0.001


def test_without_noise_and_without_ratings() -> None:
    sure = Stars(3.0, np.zeros(1), np.zeros(1), 0.0, 0.0)
    assert sure.low(2.4, 2.0) == 1.0
    assert sure.low(2.6, 2.0) == 0.0
    nothing = np.full(3, np.nan, np.float32)
    assert stars_of(nothing, np.arange(3), np.arange(3), np.zeros(3), (3, 3)) is None
