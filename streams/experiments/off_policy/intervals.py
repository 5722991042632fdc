"""Intervals of an estimate. Rows of one user hang together, so users are what is drawn at random.

normal     the delta method on users' sums: the default. Its coverage is in docs/experiments.md
bootstrap  users drawn with replacement, percentiles: where the estimate is skewed
bernstein  no approximation, and wide: for plain means of rows from 0 to a bound that is known beforehand
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.errors import DataError
from streams.experiments.off_policy.terms import F64, Terms, combined

ALPHA = 0.05
USERS_LEAST = 30
"""With fewer, users' sums say nothing of their own spread."""
DRAWS = 2_000
AT_A_TIME = 100


class Interval(NamedTuple):
    """`low` to `high` holds the true value with the probability 1 - alpha; `users`: how many it rests on."""

    value: float
    low: float
    high: float
    users: int


def normal(terms: Terms, users: NDArray[np.integer], alpha: float = ALPHA) -> Interval:
    """value +- z * error, with the error of users' sums of the linear parts (cluster-robust).

    Liang and Zeger, Biometrika 73 (1986), the robust variance, with the factor m / (m - 1) for m users.
    """
    sums = by_user(terms.influence, users)
    m = _enough(len(sums))
    error = math.sqrt(float(sums @ sums) * m / (m - 1)) / len(users)
    half = NormalDist().inv_cdf(1.0 - alpha / 2.0) * error
    return Interval(terms.value, terms.value - half, terms.value + half, m)


def bootstrap(
    terms: Terms, users: NDArray[np.integer], seed: int, alpha: float = ALPHA, draws: int = DRAWS
) -> Interval:
    """Percentiles over `draws` times as many users drawn with replacement.

    Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 13; of clusters Davison and
    Hinkley (1997), section 3.8.
    """
    columns = np.column_stack([np.ones(len(users)), terms.plain, terms.above, terms.below])
    sums = np.stack([by_user(column, users) for column in columns.T], 1)
    m, parts = _enough(len(sums)), terms.above.shape[1]
    rng, found = np.random.default_rng(seed), []
    for begin in range(0, draws, AT_A_TIME):
        times = rng.multinomial(m, np.full(m, 1.0 / m), size=min(AT_A_TIME, draws - begin))
        drawn = times @ sums
        above, below = drawn[:, 2 : 2 + parts], drawn[:, 2 + parts :]
        found.append(combined(drawn[:, 1] / drawn[:, 0], above, below))
    low, high = np.quantile(np.concatenate(found), [alpha / 2.0, 1.0 - alpha / 2.0])
    return Interval(terms.value, float(low), float(high), m)


def bernstein(terms: Terms, users: NDArray[np.integer], most: float, alpha: float = ALPHA) -> Interval:
    """The empirical Bernstein bound, for both sides. `most`: the largest that one row can be, known before
    the data are: the largest weight that can be, times the largest reward.

    Maurer and Pontil, COLT 2009, theorem 4 (arXiv 0907.3740), each side at alpha / 2. It takes the users'
    shares of the rows as independent and alike.
    """
    if terms.above.shape[1] or (terms.plain < 0).any() or (terms.plain > most).any():
        raise DataError(
            f"bernstein: expected a plain mean of rows from 0 to {most:g}; this estimate has rows outside or"
            " normalises its weights: take the normal interval or the bootstrap"
        )
    rows_of = by_user(np.ones(len(users)), users)
    m = _enough(len(rows_of))
    means = by_user(terms.plain, users) * m / len(users)
    bound = most * float(rows_of.max()) * m / len(users)
    log = math.log(4.0 / alpha)
    half = math.sqrt(2.0 * float(means.var(ddof=1)) * log / m) + 7.0 * bound * log / (3.0 * (m - 1))
    return Interval(terms.value, terms.value - half, terms.value + half, m)


def by_user(rows: F64, users: NDArray[np.integer]) -> F64:
    """Sums of rows [n] by user, in the users' order."""
    _, at = np.unique(users, return_inverse=True)
    return np.asarray(np.bincount(at, rows))


def _enough(users: int) -> int:
    if users < USERS_LEAST:
        raise DataError(
            f"{users} users are in the log; expected at least {USERS_LEAST}, since users' sums give the"
            " interval: log more users"
        )
    return users
