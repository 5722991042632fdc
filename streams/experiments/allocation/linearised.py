"""The mean of a metric in an arm, and how well it is known: a ratio of sums, by the delta method."""

from __future__ import annotations

import math
from typing import NamedTuple

from streams.experiments.arm_sums import ArmSums


class Known(NamedTuple):
    """`mean`: sum of x over sum of y; `error`: its standard error, NaN where it is not known."""

    mean: float
    error: float


def linearised(sums: ArmSums) -> Known:
    """Each user's x - mean * y, over the mean of y, has the spread of what the ratio rests on (Deng, Knoblich
    and Lu, KDD 2018, arXiv 1803.06336).
    """
    x, y = float(sums.sums[0]), float(sums.sums[1])
    if sums.users < 2 or y <= 0:
        return Known(math.nan, math.nan)
    mean = x / y
    spread = float(sums.products[0, 0] - 2 * mean * sums.products[0, 1] + mean**2 * sums.products[1, 1])
    return Known(mean, math.sqrt(max(spread, 0.0) * sums.users / (sums.users - 1)) / y)
