"""The course of an experiment as series over time: what a page draws, each number as a reading would have it.

A series has a value for each point of the experiment's history; None where nothing could be said by then.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
import numpy as np

from streams.experiments.interleaving.reading import interval_of
from streams.experiments.interleaving.votes import Votes
from streams.experiments.readings.guardrails import watched
from streams.experiments.readings.moments import F64
from streams.experiments.readings.plan import Plan
from streams.experiments.readings.reading import mismatch_evidence
from streams.experiments.readings.tracks import Sums, track

Series = list[float | None]


class LiftOverTime(msgspec.Struct, frozen=True):
    """The lift of an arm over control in one metric (0.05: 5% more), with its interval at each point.
    `bare_low`, `bare_high`: the interval without CUPED. `users`: of both arms. `value`, `control_value`: the
    metric itself.
    """

    arm: str
    metric: str
    lift: Series
    low: Series
    high: Series
    bare_low: Series
    bare_high: Series
    users: list[int]
    value: Series
    control_value: Series


class GuardrailOverTime(msgspec.Struct, frozen=True):
    """`bound`: the best that the lift may be; the arm is stopped once that is worse than `worst`."""

    arm: str
    metric: str
    worst: float
    lift: Series
    bound: Series


class CourseOverTime(msgspec.Struct, frozen=True):
    """`times` [points]: ms since the epoch, the oldest first, the last one is now. `mismatch`: the evidence
    against the shares as a power of ten; a reading is blocked above `mismatch_limit`. `share`, `low`, `high`:
    of an interleaved experiment, the other arm's part of the votes with its interval; empty else.
    """

    times: list[int]
    lifts: list[LiftOverTime] = []
    guardrails: list[GuardrailOverTime] = []
    mismatch: Series = []
    mismatch_limit: float | None = None
    share: Series = []
    low: Series = []
    high: Series = []


def over_time(plan: Plan, points: Sequence[tuple[int, Sums]]) -> CourseOverTime:
    """`points`: the sums at times (ms), the oldest first. The primary metric comes before the others."""
    sums = [each for _, each in points]
    others = sorted({metric for _, metric in sums[-1]} - {plan.primary})
    return CourseOverTime(
        [ts for ts, _ in points],
        [_lift(plan, sums, arm, metric) for metric in (plan.primary, *others) for arm in plan.arms],
        [
            _guardrail(arm, rail.metric, rail.worst, *watched(plan, sums, arm, rail)[:2])
            for rail in plan.guardrails
            for arm in plan.arms
        ],
        series(mismatch_evidence(plan, sums) / math.log(10.0)),
        -math.log10(plan.mismatch_alpha),
    )


def votes_over_time(points: Sequence[tuple[int, Votes]], alpha: float) -> CourseOverTime:
    """The same of an interleaved experiment."""
    ends = [interval_of(each.arm, each.control, alpha) for _, each in points]
    share = [each.arm / each.cast if each.cast else None for _, each in points]
    voted = [each.cast > 0 for _, each in points]
    return CourseOverTime(
        [ts for ts, _ in points],
        share=share,
        low=[low if any_vote else None for (low, _), any_vote in zip(ends, voted, strict=True)],
        high=[high if any_vote else None for (_, high), any_vote in zip(ends, voted, strict=True)],
    )


def series(values: F64) -> Series:
    """Numbers, with None in the place of what is not finite.

    >>> series(np.array([1.5, np.inf, np.nan]))
    [1.5, None, None]
    """
    return [value if math.isfinite(value) else None for value in values.tolist()]


def _lift(plan: Plan, sums: Sequence[Sums], arm: str, metric: str) -> LiftOverTime:
    # As a reading has it: the arms share alpha on the primary metric.
    alpha = plan.alpha / (len(plan.arms) if metric == plan.primary else 1)
    seen = track(plan, sums, arm, metric, alpha)
    shown = seen.readable
    if plan.reading == "group":  # nothing is said between the looks
        shown = np.zeros(len(sums), np.bool_)
        shown[list(seen.due)] = True
    cuped, bare = seen.adjusted, seen.unadjusted

    def said(values: F64) -> Series:
        return series(np.where(shown, values, np.nan))

    return LiftOverTime(
        arm, metric, said(cuped.lift.value), said(cuped.low), said(cuped.high),
        said(bare.low), said(bare.high),
        bare.lift.users.astype(int).tolist(), series(seen.arm.value), series(seen.control.value),
    )  # fmt: skip


def _guardrail(arm: str, metric: str, worst: float, lift: F64, bound: F64) -> GuardrailOverTime:
    known = np.isfinite(bound)
    return GuardrailOverTime(arm, metric, worst, series(np.where(known, lift, np.nan)), series(bound))
