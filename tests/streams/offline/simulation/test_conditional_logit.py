"""How much each part of a utility weighs."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize

from streams.offline.simulation.conditional_logit import likelihood, most_likely
from streams.offline.simulation.draws import F64


def test_the_weights_are_the_most_likely_ones() -> None:
    """The same objective, maximised by scipy."""
    rng = np.random.default_rng(4)
    choices = [rng.normal(size=(2, int(rng.integers(3, 9)))) for _ in range(60)]
    weights = most_likely(choices)

    def loss(tried: F64) -> float:
        prior = float(((tried - np.array([1.0, 0.0])) ** 2).sum()) / 2
        return prior - len(choices) * likelihood(tried, choices)

    found = optimize.minimize(loss, np.zeros(2), method="BFGS")
    assert weights == pytest.approx(found.x, abs=1e-4)


def test_planted_weights_are_found() -> None:
    rng = np.random.default_rng(6)
    choices = []
    for _ in range(3_000):
        parts = rng.normal(size=(2, 12))
        shares = np.exp(np.array([0.8, -0.5]) @ parts)
        chosen = int(rng.choice(12, p=shares / shares.sum()))
        choices.append(np.roll(parts, -chosen, axis=1))
    assert most_likely(choices) == pytest.approx([0.8, -0.5], abs=0.06)
