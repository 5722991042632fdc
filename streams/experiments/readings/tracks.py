"""One metric of one arm against control over all points of an experiment's history: estimates and intervals.

A reading is the last point of its track; a plot is all of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from streams.experiments.arm_sums import NOBODY, ArmSums
from streams.experiments.readings.corrections import Flags
from streams.experiments.readings.group import bounds, looks_due
from streams.experiments.readings.lift import Lift, adjusted, interval, unadjusted
from streams.experiments.readings.moments import F64, Ratio, ratios
from streams.experiments.readings.plan import Plan
from streams.experiments.readings.sequence import log_e_value, rho_for, stretch
from streams.experiments.readings.weighted import dealt, intrinsic_users, known_of, weighted

Sums = Mapping[tuple[str, str], ArmSums]
"""By arm and metric."""

TUNED_AT = 0.2
"""Sequences are the narrowest at this share of the planned users. Of the shares of `docs/experiments.md`,
"Why the sequence is tuned early", it decides the soonest and costs 4% of users at the end."""
FEWEST_USERS = 100
"""Each arm is read from so many users on: a mean of fewer is far from normal. Besides, nothing is said while
control's own value may be 0 (`lift.interval`)."""


class ArmTracks(NamedTuple):
    """`control`, `arm`: the metric itself. `unadjusted`, `adjusted`: the lift at each point. `readable`
    [points]: from where on there is enough to read. `time` [points]: by what sequences count, users of both
    arms where shares never changed. `drawn` [points]: out of how many users of all arms theirs were drawn.
    """

    control: Ratio
    arm: Ratio
    unadjusted: Lift
    adjusted: Lift
    readable: Flags
    time: F64
    drawn: F64


class Line(NamedTuple):
    """One way to see a track, arrays [points]. `low`, `high`: of the lift, infinite while nothing can be
    said. `log_e`: evidence against "no difference". `decides`: whether the interval leaves 0 out.
    """

    lift: Lift
    low: F64
    high: F64
    log_e: F64
    decides: Flags


class Track(NamedTuple):
    """`control`, `arm`: the metric itself. `readable` [points]: from where on there is enough to read.
    `shares` [points]: of the planned users. `due`: the points of group-sequential looks.
    """

    control: Ratio
    arm: Ratio
    unadjusted: Line
    adjusted: Line
    readable: Flags
    shares: F64
    due: tuple[int, ...]


def track(plan: Plan, points: Sequence[Sums], arm: str, metric: str, alpha: float) -> Track:
    """`alpha`: of this arm and metric, corrected already."""
    control, other, raw, cuped, readable, time, drawn = compared(plan, points, arm, metric)
    shares = drawn / plan.users if plan.periods else raw.users / plan.users_of(arm)
    rho = rho_for(alpha, TUNED_AT * plan.users_of(arm))
    due: tuple[int, ...] = ()
    if plan.reading == "group":
        due = tuple(at for at in looks_due(shares.tolist(), plan.looks) if readable[at])
        squared, at = np.full(len(shares), np.inf), list(due)
        squared[at] = bounds(shares[at].tolist(), alpha, plan.spending) ** 2
    else:
        squared = stretch(time, alpha, rho)
    lines = [_line(lift, squared, rho, readable, time) for lift in (raw, cuped)]
    return Track(control, other, lines[0], lines[1], readable, shares, due)


def compared(plan: Plan, points: Sequence[Sums], arm: str, metric: str) -> ArmTracks:
    """The lifts alone, which no alpha is needed for."""
    if plan.periods:
        one, two = (known_of(points, each, metric, plan.periods) for each in (plan.control, arm))
        control, other = weighted(one), weighted(two)
        time, drawn = intrinsic_users(one, two), dealt(one, two)
    else:
        control, other = _ratios(points, plan.control, metric), _ratios(points, arm, metric)
        time = drawn = control.users + other.users
    raw, cuped = unadjusted(control, other), adjusted(control, other)
    return ArmTracks(control, other, raw, cuped, can_be_read(control, other, raw), time, drawn)


def can_be_read(control: Ratio, arm: Ratio, raw: Lift) -> Flags:
    """Whether there are enough users, a value to divide by, and any noise to judge a difference by."""
    enough: Flags = np.minimum(control.users, arm.users) >= FEWEST_USERS
    with np.errstate(invalid="ignore"):
        known: Flags = (np.abs(control.value) > 0.0) & np.isfinite(arm.value) & (raw.spread[0] > 0.0)
    return enough & known


def _ratios(points: Sequence[Sums], arm: str, metric: str) -> Ratio:
    at = [point.get((arm, metric), NOBODY) for point in points]
    users = np.array([each.users for each in at], np.float64)
    return ratios(users, np.stack([each.sums for each in at]), np.stack([each.products for each in at]))


def _line(lift: Lift, squared: F64, rho: float, readable: Flags, time: F64) -> Line:
    """`squared`: of half the interval's width over the standard error, at each point."""
    low, high = interval(lift, squared)
    low, high = np.where(readable, low, -np.inf), np.where(readable, high, np.inf)
    log_e = log_e_value(lift.difference, lift.spread[0], time, rho)
    return Line(lift, low, high, np.where(readable, log_e, 0.0), (low > 0.0) | (high < 0.0))
