"""What adaptive allocation has come to, read at any time: differences between arms, and the best arm.

A user who came in a period with the arm's weight p counts 1 / p, so that arms are compared as if they had the
same users all along. Plain means of the arms do not do: they are biased where a bandit chose, and so are
plain intervals where people differ over time.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from model.errors import DataError
from streams.experiments.arm_sums import NOBODY, ArmSums
from streams.experiments.readings.sequence import stretch

ALPHA = 0.05


class Period(NamedTuple):
    """Users who were assigned while these `weights` were in force, by arm; they stay in it whatever they do
    later.
    """

    weights: Mapping[str, float]
    sums: Mapping[str, ArmSums]

    @property
    def users(self) -> int:
        return sum(each.users for each in self.sums.values())


class Difference(NamedTuple):
    """The mean of `arm` above that of `other`, and a confidence sequence: the true one is in `low` to `high`
    at all times together with the probability 1 - alpha, over all pairs of arms.
    """

    arm: str
    other: str
    value: float
    low: float
    high: float


class AllocationReading(NamedTuple):
    """`users` so far; `differences` of all pairs; `best`: the arm that is above each other one for sure, ""
    where none is yet; `leads`: the one that seems to be.
    """

    users: int
    differences: list[Difference]
    best: str
    leads: str


class _Sums(NamedTuple):
    """Sums over users of what each adds to an arm's mean, and of its square."""

    first: float
    second: float


def reading(periods: Sequence[Period], planned: int, alpha: float = ALPHA) -> AllocationReading:
    """`periods` in their order; `planned`: for how many users the interval shall be narrowest. `DataError`
    where a weight is 0, or periods have different arms.

    Liang and Bojinov (arXiv 2311.05794 v4), the confidence sequence of the design: the estimate is the mean
    of the weighted differences, and its radius sqrt(2 (S eta^2 + 1) / (t^2 eta^2) * log(sqrt(S eta^2 + 1) /
    alpha)) with S the sum of their squares. eta is best for `planned` users at the spread of the first
    periods (Waudby-Smith et al., arXiv 2103.06476 v7, equation 161), and stays. Users' values are taken from
    a centre that the periods before tell (Molitor and Gold, arXiv 2506.20523, without covariates); only the
    first period has its own. `alpha` is shared by all pairs (Bonferroni).
    """
    arms = _arms(periods)
    used = [period for period in periods if period.users]
    pairs = list(combinations(arms, 2))
    share, t = alpha / max(len(pairs), 1), sum(period.users for period in used)
    sums = _weighed(used, arms)
    differences = []
    for arm, other in pairs:
        if not used:
            differences.append(Difference(arm, other, math.nan, -math.inf, math.inf))
            continue
        first = sum(each[arm].first - each[other].first for each in sums)
        squares = [each[arm].second + each[other].second for each in sums]
        radius = _radius(squares, used, t, planned, share)
        differences.append(Difference(arm, other, first / t, first / t - radius, first / t + radius))
    means = {arm: sum(each[arm].first for each in sums) for arm in arms}
    leads = max(means, key=means.__getitem__) if t else ""
    return AllocationReading(t, differences, leads if _is_best(leads, differences) else "", leads)


def _arms(periods: Sequence[Period]) -> list[str]:
    arms = list(periods[0].weights) if periods else []
    for period in periods:
        if {*period.weights} != {*arms} or not {*period.sums} <= {*arms}:
            raise DataError(
                f"periods have the arms {', '.join(arms)} and {', '.join(period.weights)}; expected the"
                " same ones: begin a new reading when arms change"
            )
        if wrong := [arm for arm, weight in period.weights.items() if not 0 < weight <= 1]:
            raise DataError(
                f"the weight of {wrong[0]} is {period.weights[wrong[0]]}; expected one above 0: an arm"
                " without a chance can't be compared"
            )
    return arms


def _weighed(periods: Sequence[Period], arms: Sequence[str]) -> list[dict[str, _Sums]]:
    """Of each period and arm; values are linearised around the ratio of all users before."""
    found, before = [], NOBODY
    for period in periods:
        whole = NOBODY
        for sums in period.sums.values():
            whole = whole.plus(sums)
        told = before if before.users else whole
        centre, scale = _centre(told)
        found.append(
            {arm: _one(period.sums.get(arm, NOBODY), period.weights[arm], centre, scale) for arm in arms}
        )
        before = before.plus(whole)
    return found


def _centre(sums: ArmSums) -> tuple[float, float]:
    """The ratio of all, and the mean of its denominator."""
    if sums.sums[1] <= 0:
        return 0.0, 1.0
    return float(sums.sums[0] / sums.sums[1]), float(sums.sums[1] / sums.users)


def _one(sums: ArmSums, weight: float, centre: float, scale: float) -> _Sums:
    first = float(sums.sums[0] - centre * sums.sums[1]) / scale
    products = sums.products
    second = float(products[0, 0] - 2 * centre * products[0, 1] + centre**2 * products[1, 1]) / scale**2
    return _Sums(first / weight, max(second, 0.0) / weight**2)


def _radius(squares: Sequence[float], periods: Sequence[Period], t: int, planned: int, alpha: float) -> float:
    begun = next((k for k, square in enumerate(squares) if square > 0), None)
    if begun is None:
        return math.inf
    each = squares[begun] / sum(period.users for period in periods[: begun + 1])
    log = -2.0 * math.log(alpha)
    eta, total = math.sqrt((log + math.log(log) + 1.0) / (planned * each)), sum(squares)
    return math.sqrt(total * stretch(np.float64(total), alpha, eta)) / t


def _is_best(arm: str, differences: Sequence[Difference]) -> bool:
    """Whether it is above each of the others."""
    above = [each.low > 0 if each.arm == arm else each.high < 0 for each in differences if arm in each[:2]]
    return bool(above) and all(above)
