"""What every estimator comes to: numbers row by row whose sums are the estimate.

    estimate = mean(plain) + sum over j of sum(above[:, j]) / sum(below[:, j])

An estimator that only weighs has `plain` alone. One that normalises its weights is a ratio of sums. From this
one form follow the estimate, its linear parts (delta method) and its resampling (`intervals`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.errors import DataError

F64 = NDArray[np.float64]


class Terms(NamedTuple):
    """`plain` [n]; `above` and `below` [n, J], J = 0 where nothing is normalised."""

    plain: F64
    above: F64
    below: F64

    @property
    def value(self) -> float:
        """The estimate; NaN where all weights of a sum are 0."""
        return float(combined(self.plain.mean(), self.above.sum(0), self.below.sum(0)))

    @property
    def influence(self) -> F64:
        """[n]: what each row moves the estimate by, times n; their mean is 0 (the delta method)."""
        total = self.below.sum(0)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = self.above.sum(0) / total
            moved = (self.above - ratio * self.below) * (len(self.plain) / total)
        return np.asarray(self.plain - self.plain.mean() + moved.sum(1))


def combined(plain: F64 | float, above: F64, below: F64) -> F64:
    """The estimate from the mean of `plain` and the sums [..., J] of the others."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(plain + (above / below).sum(-1))


def averaged(rows: F64) -> Terms:
    """A plain mean of rows [n]."""
    none = np.empty((len(rows), 0))
    return Terms(rows, none, none)


def normalised(plain: F64, above: F64, below: F64) -> Terms:
    """With one ratio of sums [n], or one for each place [n, K]."""
    columns = (len(plain), -1)
    return Terms(plain, above.reshape(columns), below.reshape(columns))


def weights_of(target: F64, logged: F64) -> F64:
    """The importance weights target / logged, both probabilities of what was logged. `DataError` where they
    can't be: what was logged had a chance above 0.

    >>> weights_of(np.array([0.5, 0.0]), np.array([0.25, 0.5])).tolist()
    [2.0, 0.0]
    """
    for name, chances in (("target", target), ("logged", logged)):
        wrong = ~((chances >= 0) & (chances <= 1 + 1e-6))
        if wrong.any():
            raise DataError(
                f"{wrong.sum()} {name} propensities are no probabilities, as {chances[wrong].flat[0]}:"
                " expected numbers from 0 to 1; leave out rows whose propensities are not known"
            )
    if (logged <= 0).any():
        raise DataError(
            f"{(logged <= 0).sum()} logged propensities are 0: expected more, since what was logged was"
            " shown; leave these rows out, and find out who logs them"
        )
    if target.shape != logged.shape:
        raise DataError(f"propensities of shapes {target.shape} and {logged.shape}: expected the same one")
    return np.asarray(target / logged)
