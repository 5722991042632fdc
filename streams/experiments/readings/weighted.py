"""A metric of one arm whose share changed over time: users count by 1 / their chance to get the arm.

A period is the time in which shares did not change. A user who was drawn in a period with the arm's chance p
counts 1 / p, so that arms are compared as if they had had the same users all along. Plain means do not do:
they favour the arm that had more users while everybody did more, also without any difference.

The ratio is that of the weighted sums (Hájek, "Comment on an essay by D. Basu", 1971). The variance is that
of its linearised terms, which take each user's square by 1 / p ** 2: what inverse-probability estimates of
data that was collected adaptively have (Liang and Bojinov, arXiv 2311.05794 v4, their confidence sequence).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from streams.experiments.arm_sums import NOBODY, ArmSums
from streams.experiments.assignment.arm_text import period_arm
from streams.experiments.readings.moments import F64, Ratio, linearised

Shares = Mapping[str, float]


class PeriodSums(NamedTuple):
    """An arm's sums by periods, `users` [..., periods], `sums` [..., periods, 4] and `products`
    [..., periods, 4, 4]. `chances` [..., periods]: of a user to get the arm, 0 in a period without it.
    """

    users: F64
    sums: F64
    products: F64
    chances: F64

    def of(self, periods: int) -> PeriodSums:
        """The first of them alone."""
        return PeriodSums(
            self.users[..., :periods],
            self.sums[..., :periods, :],
            self.products[..., :periods, :, :],
            self.chances[..., :periods],
        )


def weighted(known: PeriodSums) -> Ratio:
    """The metric, with the users of all periods as they weigh."""
    with np.errstate(divide="ignore", invalid="ignore"):
        counts = np.where(known.chances > 0.0, 1.0 / known.chances, 0.0)
        sums = (counts[..., None] * known.sums).sum(-2)
        products = ((counts**2)[..., None, None] * known.products).sum(-3)
        n = known.users.sum(-1)
        value, before = sums[..., 0] / sums[..., 1], sums[..., 2] / sums[..., 3]
        own, earlier = (sums[..., 1], value), (sums[..., 3], before)
        return Ratio(
            n,
            value,
            before,
            n * linearised(products, 0, 0, own, own),
            n * linearised(products, 2, 2, earlier, earlier),
            n * linearised(products, 0, 2, own, earlier),
        )


def known_of(
    points: Sequence[Mapping[tuple[str, str], ArmSums]], arm: str, metric: str, shares: Sequence[Shares]
) -> PeriodSums:
    """An arm's sums at points [points, periods], by the shares of each period, whatever they sum to."""
    named = [(period_arm(arm, number), metric) for number in range(1, len(shares) + 1)]
    found = [[point.get(each, NOBODY) for each in named] for point in points]
    return PeriodSums(
        np.array([[each.users for each in row] for row in found], np.float64),
        np.array([[each.sums for each in row] for row in found], np.float64),
        np.array([[each.products for each in row] for row in found], np.float64),
        np.array([each.get(arm, 0.0) / sum(each.values()) for each in shares]),
    )


def dealt(control: PeriodSums, arm: PeriodSums) -> F64:
    """Out of how many users the users of two arms were drawn [...], by their chances."""
    together = control.chances + arm.chances
    with np.errstate(divide="ignore", invalid="ignore"):
        found: F64 = np.where(together > 0.0, (control.users + arm.users) / together, 0.0).sum(-1)
    return found


def intrinsic_users(control: PeriodSums, arm: PeriodSums) -> F64:
    """How many users of the first period would bring as much noise into the difference of two arms [...].

    A sequence whose terms differ in spread counts its time by their squares, not by their number. As long as
    shares do not change it is the number of users.
    """
    first, now = (
        (_squares(control.of(periods), arm.of(periods))) for periods in (1, control.users.shape[-1])
    )
    counted = control.users[..., 0] + arm.users[..., 0]
    users = control.users.sum(-1) + arm.users.sum(-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        time = counted * now / first
    found: F64 = np.where(np.isfinite(time) & (time > 0.0), time, users)
    return found


def _squares(control: PeriodSums, arm: PeriodSums) -> F64:
    """The sum of squares of the terms of the difference between both."""
    one, other = weighted(control), weighted(arm)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = one.variance / one.users + other.variance / other.users
    found: F64 = spread * dealt(control, arm) ** 2
    return found
