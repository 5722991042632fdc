"""How much each part of a utility weighs, by the choices that were made (McFadden 1974).

A choice is an array [K, n]: K parts of the utilities of n items, of which the first one was chosen.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from streams.offline.simulation.draws import F64

NEWTON_STEPS = 25


def most_likely(choices: Sequence[F64]) -> F64:
    """The weights [K] under which the choices are most likely, by Newton's method. A normal prior, of
    deviation 1, around 1 for the first part and 0 for the others keeps few choices finite.
    """
    parts = len(choices[0])
    prior = np.array([1.0] + [0.0] * (parts - 1))
    weights = prior
    for _ in range(NEWTON_STEPS):
        gradient, curvature = prior - weights, np.eye(parts)
        for each in choices:
            shares = _shares(weights @ each)
            mean = each @ shares
            gradient = gradient + each[:, 0] - mean
            curvature += (each * shares) @ each.T - np.outer(mean, mean)
        weights = np.asarray(weights + np.linalg.solve(curvature, gradient))
    return weights


def likelihood(weights: F64, choices: Sequence[F64]) -> float:
    """The mean log-likelihood of a choice.

    >>> bool(likelihood(np.array([0.0]), [np.ones((1, 8))]) == -np.log(8))
    True
    """
    return float(np.mean([np.log(_shares(weights @ each)[0]) for each in choices]))


def _shares(utility: F64) -> F64:
    shares = np.exp(utility - utility.max())
    return np.asarray(shares / shares.sum())
