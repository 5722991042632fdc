"""A metric of one arm as a ratio of means over users, linearised: means, variances, covariances.

A user's click-through is no mean of independent impressions: impressions of one user hang together. So the
unit is the user, and the ratio r = sum(x) / sum(y) is linearised around the means: it varies as the mean of
(x - r y) / mean(y) over users does (delta method; Deng, Knoblich and Lu, "Applying the Delta Method in Metric
Analytics", KDD 2018, arXiv 1803.06336, on units that are not those of the randomisation).

All functions take arrays with any axes in front, so that a simulation reads thousands of looks at once.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.experiments.arm_sums import ArmSums

F64 = NDArray[np.float64]
Values = F64 | np.float64
"""Of any axes, also of none."""


class Ratio(NamedTuple):
    """A metric in one arm, arrays of one shape.

    `users`: how many. `value`: sum(x) / sum(y) since exposure. `before`: the same of the window before it.
    `variance`, `before_variance`, `covariance`: of one user's linearised values; divided by `users` they are
    those of `value` and `before`. NaN where there is nothing to divide by.
    """

    users: F64
    value: F64
    before: F64
    variance: F64
    before_variance: F64
    covariance: F64


def ratio(sums: ArmSums) -> Ratio:
    """The metric of one arm."""
    return ratios(np.float64(sums.users), sums.sums, sums.products)


def ratios(users: Values, sums: F64, products: F64) -> Ratio:
    """The metric of many arms: `users` [...], `sums` [..., 4], `products` [..., 4, 4], as in `ArmSums`."""
    with np.errstate(divide="ignore", invalid="ignore"):
        n = np.asarray(users, np.float64)
        mean = sums / n[..., None]
        # Of each two values, over users.
        spread = products - n[..., None, None] * mean[..., :, None] * mean[..., None, :]
        spread = spread / (n - 1.0)[..., None, None]
        value, before = mean[..., 0] / mean[..., 1], mean[..., 2] / mean[..., 3]
        own, earlier = (mean[..., 1], value), (mean[..., 3], before)
        return Ratio(
            n,
            value,
            before,
            linearised(spread, 0, 0, own, own),
            linearised(spread, 2, 2, earlier, earlier),
            linearised(spread, 0, 2, own, earlier),
        )


def linearised(spread: F64, first: int, second: int, one: tuple[F64, F64], other: tuple[F64, F64]) -> F64:
    """The covariance of (x - r y) / mean(y) of two ratios; `first`, `second`: where their x stand; each
    ratio is given as (mean(y), r).
    """
    (y_one, r_one), (y_other, r_other) = one, other
    raw: F64 = (
        spread[..., first, second]
        - r_one * spread[..., first + 1, second]
        - r_other * spread[..., first, second + 1]
        + r_one * r_other * spread[..., first + 1, second + 1]
    )
    return raw / (y_one * y_other)
