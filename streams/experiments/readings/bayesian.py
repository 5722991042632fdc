"""A Bayesian reading, for those who ask for it: the chance that an arm is better, with a prior on the lift.

The prior is normal around 0; with the estimate's normal likelihood the posterior is normal too (Gelman et
al., "Bayesian Data Analysis", 3rd edition, section 2.5). Nothing corrects it for peeking: the chance is right
where the prior is, on average over experiments, and says nothing of false alarms.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import NamedTuple


class Posterior(NamedTuple):
    """Of the lift. `chance`: that it is above 0. `loss`: what the lift is below 0 on average, if the arm is
    shipped. `low`, `high`: the middle of the distribution, with the level 1 - alpha.
    """

    mean: float
    deviation: float
    chance: float
    loss: float
    low: float
    high: float


def posterior(lift: float, variance: float, prior_deviation: float, alpha: float) -> Posterior:
    """`variance`: of the lift, the square of its standard error; above 0."""
    precision = 1.0 / variance + 1.0 / prior_deviation**2
    mean, deviation = lift / variance / precision, math.sqrt(1.0 / precision)
    normal = NormalDist(mean, deviation)
    below = normal.cdf(0.0)
    loss = deviation**2 * normal.pdf(0.0) - mean * below
    return Posterior(
        mean, deviation, 1.0 - below, loss, normal.inv_cdf(alpha / 2.0), normal.inv_cdf(1.0 - alpha / 2.0)
    )
