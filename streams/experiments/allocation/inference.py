"""What adaptive allocation has come to, read at any time: differences between arms, and the best arm.

A user who came in a period with the arm's weight p counts 1 / p (`readings.weighted`), so that arms are
compared as if they had the same users all along. Plain means of the arms do not do: they are biased where a
bandit chose, and so are plain intervals where people differ over time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from model.errors import DataError
from streams.experiments.arm_sums import NOBODY, ArmSums
from streams.experiments.readings.moments import F64, Ratio
from streams.experiments.readings.sequence import rho_for, stretch
from streams.experiments.readings.weighted import PeriodSums, intrinsic_users, weighted

ALPHA = 0.05
FEWEST_USERS = 50
"""Of each arm, before which its spread is not known well enough."""


class Period(NamedTuple):
    """Users who were assigned while these `weights` were in force, by arm; they stay in it whatever they do
    later.
    """

    weights: Mapping[str, float]
    sums: Mapping[str, ArmSums]


class Difference(NamedTuple):
    """The metric of `arm` above that of `other`, and a confidence sequence: the true one is in `low` to
    `high` at all times together with the probability 1 - alpha, over all pairs of arms.
    """

    arm: str
    other: str
    value: float
    low: float
    high: float


class AllocationReading(NamedTuple):
    """`users` so far; `differences` of all pairs; `best`: the arm that is better than each other one for
    sure, "" where none is yet; `leads`: the one that seems to be.
    """

    users: int
    differences: list[Difference]
    best: str
    leads: str


def reading(
    periods: Sequence[Period], planned: float, alpha: float = ALPHA, rises: bool = True
) -> AllocationReading:
    """`periods` in their order; `planned`: for how many users of all arms the intervals shall be narrowest.
    `rises`: more of the metric is better. `DataError` where a weight is 0, or the first period lacks an arm.

    The interval is that of Liang and Bojinov (arXiv 2311.05794 v4), the confidence sequence of the design,
    which grows with the sum of the squares of what users add (`intrinsic_users`; rho by `rho_for`). `alpha`
    is shared by all pairs (Bonferroni). Arms that the last period lacks were stopped: they are left out.
    """
    arms = _arms(periods)
    pairs = list(combinations(arms, 2))
    share = alpha / max(len(pairs), 1)
    known = {arm: known_of_periods(periods, arm) for arm in arms}
    ratios = {arm: weighted(each) for arm, each in known.items()}
    rho = rho_for(share, max(2.0, planned * 2.0 / max(len(arms), 2)))
    differences = [
        _difference((arm, other), (known[arm], known[other]), (ratios[arm], ratios[other]), share, rho)
        for arm, other in pairs
    ]
    users = sum(each.users for period in periods for each in period.sums.values())
    sign = 1.0 if rises else -1.0
    means = {arm: sign * float(each.value) for arm, each in ratios.items() if np.isfinite(each.value)}
    leads = max(means, key=means.__getitem__) if means else ""
    return AllocationReading(users, differences, leads if _is_best(leads, differences, rises) else "", leads)


def known_of_periods(periods: Sequence[Period], arm: str) -> PeriodSums:
    """What is known of an arm [periods]."""
    sums = [period.sums.get(arm, NOBODY) for period in periods]
    return PeriodSums(
        np.array([each.users for each in sums], np.float64),
        np.array([each.sums for each in sums], np.float64).reshape(-1, 4),
        np.array([each.products for each in sums], np.float64).reshape(-1, 4, 4),
        np.array([period.weights.get(arm, 0.0) for period in periods]),
    )


def _arms(periods: Sequence[Period]) -> list[str]:
    arms = list(periods[-1].weights) if periods else []
    for period in periods:
        if not {*period.weights} >= {*arms} or not {*period.sums} <= {*period.weights}:
            raise DataError(
                f"periods have the arms {', '.join(arms)} and {', '.join(period.weights)}; expected the"
                " same ones, or fewer from some time on: begin a new reading when an arm is added"
            )
        if wrong := [arm for arm, weight in period.weights.items() if not 0 < weight <= 1]:
            raise DataError(
                f"the weight of {wrong[0]} is {period.weights[wrong[0]]}; expected one above 0: an arm"
                " without a chance can't be compared"
            )
    return arms


def _difference(
    names: tuple[str, str],
    known: tuple[PeriodSums, PeriodSums],
    ratios: tuple[Ratio, Ratio],
    alpha: float,
    rho: float,
) -> Difference:
    value, radius = apart(known, ratios, alpha, rho)
    return Difference(*names, float(value), float(value - radius), float(value + radius))


def apart(
    known: tuple[PeriodSums, PeriodSums], ratios: tuple[Ratio, Ratio], alpha: float, rho: float
) -> tuple[F64, F64]:
    """The difference of two arms, and half of its interval's width [...]; infinite while it is not known."""
    one, other = ratios
    with np.errstate(divide="ignore", invalid="ignore"):
        value = one.value - other.value
        variance = one.variance / one.users + other.variance / other.users
        radius = np.sqrt(variance * stretch(intrinsic_users(*known), alpha, rho))
    enough = np.minimum(one.users, other.users) >= FEWEST_USERS
    sure = enough & (variance > 0.0) & np.isfinite(radius)
    return np.where(np.isfinite(value), value, 0.0), np.where(sure, radius, np.inf)


def _is_best(arm: str, differences: Sequence[Difference], rises: bool) -> bool:
    """Whether it is better than each of the others."""
    better = [
        (each.low > 0 if (each.arm == arm) is rises else each.high < 0)
        for each in differences
        if arm in (each.arm, each.other)
    ]
    return bool(better) and all(better)
