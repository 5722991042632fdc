"""The best arm of an experiment whose weights are adaptive, once it is sure."""

from __future__ import annotations

from collections.abc import Sequence

from streams.experiments.allocation.inference import Period, reading
from streams.experiments.arm_sums import NOBODY
from streams.experiments.assignment.arm_text import period_arm
from streams.experiments.readings.plan import Plan
from streams.experiments.readings.tracks import TUNED_AT, Sums


def best_arm(plan: Plan, points: Sequence[Sums]) -> str:
    """The arm that was above all others for sure at the first of the points at which any was; "" for none."""
    for point in points:
        found = reading(periods_of(plan, point), TUNED_AT * plan.users, plan.alpha, plan.rises(plan.primary))
        if found.best:
            return found.best
    return ""


def periods_of(plan: Plan, point: Sums) -> list[Period]:
    """Each period with the sums of the primary metric, of the arms that are in force now."""
    return [
        Period(
            {arm: shares[arm] / sum(shares.values()) for arm in plan.shares if arm in shares},
            {
                arm: point.get((period_arm(arm, number), plan.primary), NOBODY)
                for arm in plan.shares
                if arm in shares
            },
        )
        for number, shares in enumerate(plan.periods, 1)
    ]
