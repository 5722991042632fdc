"""A head that tells praise from blame: logistic regression on a text encoder's own vectors, both kinds of
reviews weighing alike, with an L2 penalty that is chosen on the newest fifth of what it learns from.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

LEARNED, RIDGES = 0.8, (1.0, 3.0, 10.0, 30.0)
RESAMPLED = 200
F64 = NDArray[np.float64]
Bool = NDArray[np.bool_]


class HeadQuality(NamedTuple):
    """The AUC on reviews that the head has not seen, its standard error (bootstrap), and the ridge."""

    auc: float
    error: float
    ridge: float


def fitted(vectors: F64, praises: Bool, ridge: float) -> F64:
    """Weights [dim + 1], the last one the offset: least logistic loss plus ridge / 2 times their squares."""
    from scipy.optimize import minimize

    signs = np.where(praises, 1.0, -1.0)
    weights = np.where(praises, 0.5 / praises.mean(), 0.5 / (~praises).mean())
    inputs = np.hstack([vectors, np.ones((len(vectors), 1))])

    def loss(head: F64) -> tuple[float, F64]:
        margins = signs * (inputs @ head)
        slopes = -signs * weights / (1.0 + np.exp(np.clip(margins, -50, 50)))
        value = weights @ np.logaddexp(0.0, -margins) + ridge / 2 * head[:-1] @ head[:-1]
        return float(value), inputs.T @ slopes + ridge * np.append(head[:-1], 0.0)

    found: F64 = minimize(loss, np.zeros(inputs.shape[1]), jac=True, method="L-BFGS-B").x
    return found


def auc(values: F64, praises: Bool) -> float:
    """How often one that praises is above one that does not; half for a tie.

    >>> auc(np.array([0.1, 0.9, 0.5]), np.array([False, True, True]))
    1.0
    """
    from scipy.stats import rankdata

    above = rankdata(values)[praises].sum() - praises.sum() * (praises.sum() + 1) / 2
    return float(above / (praises.sum() * (~praises).sum()))


def auc_error(values: F64, praises: Bool) -> float:
    """The standard error of `auc`, by drawing the reviews anew."""
    rng = np.random.default_rng(7)
    drawn = (rng.integers(0, len(praises), len(praises)) for _ in range(RESAMPLED))
    both = [some for some in drawn if praises[some].any() and not praises[some].all()]
    return float(np.std([auc(values[some], praises[some]) for some in both])) if both else float("nan")


def chosen_ridge(vectors: F64, praises: Bool, ridges: Sequence[float] = RIDGES) -> float:
    """The one whose head, learned from the first part, tells the rest apart best."""
    inner = int(len(vectors) * LEARNED)
    if not _both(praises[:inner]) or not _both(praises[inner:]):
        return ridges[len(ridges) // 2]
    tried = {
        ridge: auc(vectors[inner:] @ fitted(vectors[:inner], praises[:inner], ridge)[:-1], praises[inner:])
        for ridge in ridges
    }
    return max(tried, key=lambda each: tried[each])


def judged(vectors: F64, praises: Bool, learned: int) -> tuple[F64, HeadQuality]:
    """The head of the first `learned` reviews, and how it does on the rest."""
    ridge = chosen_ridge(vectors[:learned], praises[:learned])
    head = fitted(vectors[:learned], praises[:learned], ridge)
    values, true = vectors[learned:] @ head[:-1], praises[learned:]
    return head, HeadQuality(auc(values, true), auc_error(values, true), ridge)


def _both(praises: Bool) -> bool:
    return bool(praises.any() and not praises.all())
