"""Which parameter to take: SLOPE, by how far the intervals of the candidates overlap.

The candidates trade bias for variance, so that the one with the least variance has the most bias. SLOPE goes
from the widest interval to the narrowest, and stops before one that does not agree with all before it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from model.errors import DataError
from streams.experiments.off_policy.terms import Terms

LEVEL = 0.1
FACTOR = math.sqrt(6.0) - 1.0


def slope(estimate: Callable[[float], Terms], candidates: Sequence[float], level: float = LEVEL) -> float:
    """The parameter of the candidates. `estimate` gives the terms for each one; `level`: how often an
    interval may be wrong.

    Su, Srinath and Krishnamurthy, ICML 2020, "Adaptive Estimator Selection for Off-Policy Evaluation",
    algorithm 1 (arXiv 2002.07729), in the order and with the constant of Tucker and Lee (2021), SLOPE++:
    |theta_i - theta_j| <= width_i + (sqrt(6) - 1) width_j. Widths are those of Student's t, one-sided.
    """
    if not candidates:
        raise DataError("slope: no candidates; expected one parameter or more")
    found = [estimate(candidate) for candidate in candidates]
    theta = np.array([terms.value for terms in found])
    width = np.array([_width(terms, level) for terms in found])
    order = np.argsort(width)[::-1]
    for nth, at in enumerate(order[1:], 1):
        before = order[:nth]
        if (np.abs(theta[before] - theta[at]) > width[at] + FACTOR * width[before]).any():
            return candidates[int(order[nth - 1])]
    return candidates[int(order[-1])]


def _width(terms: Terms, level: float) -> float:
    from scipy.stats import t  # imported where it is needed: no worker starts with it

    n = len(terms.plain)
    return float(np.sqrt(np.var(terms.influence) / (n - 1)) * t(n - 1).ppf(1.0 - level))
