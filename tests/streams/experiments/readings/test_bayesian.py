"""The posterior is the one that a grid gives."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from streams.experiments.readings.bayesian import posterior


@pytest.mark.parametrize(("lift", "variance"), [(0.03, 0.0004), (-0.2, 0.01), (0.0, 1.0)])
def test_posterior_is_that_of_a_grid(lift: float, variance: float) -> None:
    grid = np.linspace(-4.0, 4.0, 400_001)
    weight = norm.pdf(grid, 0.0, 0.1) * norm.pdf(lift, grid, np.sqrt(variance))
    weight /= weight.sum()
    seen = posterior(lift, variance, 0.1, 0.05)
    assert seen.mean == pytest.approx(weight @ grid, abs=1e-6)
    assert seen.chance == pytest.approx(weight[grid > 0.0].sum(), abs=1e-4)
    assert seen.loss == pytest.approx(weight @ np.maximum(0.0, -grid), abs=1e-6)
    assert np.interp(0.025, np.cumsum(weight), grid) == pytest.approx(seen.low, abs=1e-4)
    assert np.interp(0.975, np.cumsum(weight), grid) == pytest.approx(seen.high, abs=1e-4)
