"""Doubly robust estimators of one choice a row: a model of the rewards, corrected by weighted errors.

`reward` and `weight` [n] as in `weighting`. `predicted` [n]: the model's reward of what was logged, q(x, a).
`expected` [n]: its mean over what the target would choose, the sum over a of pi(a | x) q(x, a). The model
must not have seen the row's own reward (fit it on other users), or the estimate is too sure of itself.
"""

from __future__ import annotations

import numpy as np

from model.errors import DataError
from streams.experiments.off_policy.terms import F64, Terms, averaged, normalised


def dr(reward: F64, weight: F64, predicted: F64, expected: F64) -> Terms:
    """mean(expected + w (r - predicted)).

    Dudik, Erhan, Langford and Li, Statistical Science 29 (2014), the DR estimator of section 3 (arXiv
    1503.02834).
    """
    return averaged(expected + weight * (reward - predicted))


def sndr(reward: F64, weight: F64, predicted: F64, expected: F64) -> Terms:
    """mean(expected) + sum(w (r - predicted)) / sum(w).

    Thomas and Brunskill, ICML 2016, the weighted doubly robust estimator, of one step (arXiv 1604.00923).
    """
    return normalised(expected, weight * (reward - predicted), weight)


def switch_dr(reward: F64, weight: F64, predicted: F64, expected: F64, threshold: float) -> Terms:
    """DR that trusts the model alone where the weight is above `threshold`.

    Wang, Agarwal and Dudik, ICML 2017, the SWITCH estimator with DR in the place of IPS (arXiv 1612.01205).
    """
    check_parameter("switch_dr", threshold)
    return averaged(expected + np.where(weight <= threshold, weight, 0.0) * (reward - predicted))


def dros(reward: F64, weight: F64, predicted: F64, expected: F64, shrinkage: float) -> Terms:
    """DR with optimistic shrinkage: the weight is lambda w / (w^2 + lambda). 0 is the model alone, infinity
    is DR.

    Su, Dimakopoulou, Krishnamurthy and Dudik, ICML 2020, DRos (arXiv 1907.09623).
    """
    return averaged(expected + shrunk(weight, shrinkage) * (reward - predicted))


def shrunk(weight: F64, shrinkage: float) -> F64:
    """lambda w / (w^2 + lambda).

    >>> shrunk(np.array([0.0, 1.0, 3.0]), 9.0).tolist()
    [0.0, 0.9, 1.5]
    """
    check_parameter("dros", shrinkage)
    if np.isinf(shrinkage):
        return weight
    below = weight**2 + shrinkage
    return np.divide(shrinkage * weight, below, out=np.zeros(len(weight)), where=below > 0)


def check_parameter(name: str, value: float) -> None:
    """`DataError` for one below 0, or no number."""
    if not value >= 0:
        raise DataError(f"{name}: the parameter is {value}; expected 0 or more (inf for none)")
