"""The weights of arms: a bandit's, mixed with equal ones (Mixture Adaptive Design).

    weight of arm a = delta_t / K + (1 - delta_t) * bandit_a

Each arm keeps a known chance that falls slowly enough, so that the inference (`inference`) stays valid
whatever the bandit does. The bandit is Thompson sampling's: the probability that the arm is the best.

Liang and Bojinov, "An Experimental Design for Anytime-Valid Causal Inference on Multi-Armed Bandits" (arXiv
2311.05794 v4), the definition of the design; delta_t must fall slower than t^(-1/4).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from model.errors import DataError
from streams.experiments.declared.adaptive import AdaptiveSettings
from streams.experiments.readings.moments import F64, Ratio

GRID = 400


def weights(
    known: Mapping[str, Ratio], users: int, settings: AdaptiveSettings, rises: bool = True
) -> dict[str, float]:
    """The weight of each arm for the users to come; they sum to 1. `known`: what is known of each arm;
    `users`: how many there were. `rises`: more of the metric is better. It is a function of these alone, so
    every process comes to the same weights.
    """
    if not known:
        raise DataError("no arm is to be weighed; expected one or more")
    value = np.array([each.value for each in known.values()], np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        squared = np.array([each.variance / each.users for each in known.values()], np.float64)
    found = mixed(best_chances(value if rises else -value, squared), settings.delta(users))
    return dict(zip(known, found.tolist(), strict=True))


def mixed(chances: F64, delta: F64 | float) -> F64:
    """The mixture [..., arms] of a bandit's weights and equal ones."""
    found = delta / chances.shape[-1] + (1.0 - delta) * chances
    weights: F64 = found / found.sum(-1, keepdims=True)
    return weights


def best_chances(value: F64, squared_error: F64) -> F64:
    """The probability that each arm is the highest [..., arms], with normal posteriors under a flat prior. An
    arm of which nothing is known, or no spread, makes all alike.

    Thompson, Biometrika 25 (1933). The integral over each arm's density is a sum on a grid: no draws, so that
    it is the same everywhere.
    """
    from scipy.special import ndtr

    arms = value.shape[-1]
    each = np.isfinite(value) & np.isfinite(squared_error) & (squared_error > 0)
    known = each.all(-1, keepdims=True)
    mean = np.where(known, value, 0.0)
    error = np.sqrt(np.where(known, squared_error, 1.0))
    steps = np.linspace(-6, 6, GRID)
    density = np.exp(-0.5 * steps**2)
    chances = np.empty(value.shape)
    for k in range(arms):
        at = mean[..., k, None] + error[..., k, None] * steps
        below = np.ones_like(at)
        for j in range(arms):
            if j != k:
                below *= ndtr((at - mean[..., j, None]) / error[..., j, None])
        chances[..., k] = (density * below).sum(-1)
    found: F64 = chances / chances.sum(-1, keepdims=True)
    return found
