"""A model of a place's reward, for the doubly robust estimators: linear, and fitted on other users.

It need not be right: it only takes variance away. Users are dealt into folds, and each fold is told by a
model of the others, so no row's own reward is in what is told of it (cross-fitting: Chernozhukov et al.,
Econometrics Journal 21 (2018), definition 3.2, arXiv 1608.00060).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.experiments.off_policy.terms import F64

FOLDS = 5
RIDGE = 1.0


class RewardEstimates(NamedTuple):
    """[n, K] each: of what was logged, and on average of what the target would put there."""

    predicted: F64
    expected: F64


def cross_fitted(
    users: NDArray[np.integer], reward: F64, shown: F64, meant: F64, folds: int = FOLDS
) -> RewardEstimates:
    """`reward` [n, K]; features of what was shown, and their means over what the target would show, [n, K,
    F]. A model that is linear in them tells the mean from the means. Each place has a constant of its own.
    """
    n, places, _ = shown.shape
    _, numbers = np.unique(users, return_inverse=True)
    fold = numbers % folds
    own = np.broadcast_to(np.eye(places), (n, places, places))
    inputs, means = (np.concatenate([own, features], 2) for features in (shown, meant))
    predicted, expected = np.zeros((n, places)), np.zeros((n, places))
    for k in range(folds):
        here, others = fold == k, fold != k
        weights = _ridge(inputs[others], reward[others])
        predicted[here], expected[here] = inputs[here] @ weights, means[here] @ weights
    return RewardEstimates(predicted, expected)


def _ridge(inputs: F64, reward: F64) -> F64:
    flat = inputs.reshape(-1, inputs.shape[-1])
    below = flat.T @ flat + RIDGE * np.eye(flat.shape[1])
    return np.asarray(np.linalg.solve(below, flat.T @ reward.ravel()))
