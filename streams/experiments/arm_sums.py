"""What is known of one metric in one arm: sums over its users, which add up by plain addition."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
VALUES = ("x", "y", "x_before", "y_before")


class ArmSums(NamedTuple):
    """Sums over the exposed users of an arm. A user's values are, in the order of `VALUES`: the numerator x
    and the denominator y of the metric since their first exposure (y is 1 for a metric that is a mean over
    users), and the same two of a window before it (0 where nothing is known).

    `users`: how many. `sums`: [4], of each value. `products`: [4, 4], symmetric, of each two values.

    >>> two = arm_sums(np.array([[1.0, 4, 0, 2], [0, 2, 1, 2]]))
    >>> two.users, two.sums.tolist(), two.products[0].tolist()
    (2, [1.0, 6.0, 1.0, 4.0], [1.0, 4.0, 0.0, 2.0])
    """

    users: int
    sums: F64
    products: F64

    def plus(self, other: ArmSums) -> ArmSums:
        """Of two disjoint groups of users together."""
        return ArmSums(self.users + other.users, self.sums + other.sums, self.products + other.products)


NOBODY = ArmSums(0, np.zeros(4), np.zeros((4, 4)))


def arm_sums(values: F64) -> ArmSums:
    """The sums of users given one by one: `values` [users, 4]."""
    values = np.asarray(values, np.float64)
    return ArmSums(len(values), values.sum(0), values.T @ values)
