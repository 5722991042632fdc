"""Guardrails: whether an arm does harm that it must be stopped for.

A one-sided asymptotic confidence sequence (`sequence`, equation 134) for each guardrail and arm, each at its
part of alpha (Bonferroni). The arm is stopped when even the best that the sequence allows is worse than the
guardrail does; so the chance that any arm without such harm is ever stopped is at most alpha.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from streams.experiments.readings.corrections import Flags
from streams.experiments.readings.lift import interval
from streams.experiments.readings.moments import F64
from streams.experiments.readings.plan import Guardrail, Plan
from streams.experiments.readings.sequence import one_sided_stretch, rho_for
from streams.experiments.readings.tracks import TUNED_AT, Sums, compared


class GuardrailReading(msgspec.Struct, frozen=True):
    """A guardrail of an arm. `lift`: adjusted by earlier behaviour; none while it can't be read. `bound`: the
    best that it may be: the highest lift for a metric that must not fall, the lowest for one that must not
    rise. `crossed`: now or at an earlier point: the arm must be stopped. `text`: why, in words.
    """

    arm: str
    metric: str
    worst: float
    lift: float | None
    bound: float | None
    crossed: bool
    text: str


class GuardrailTrack(NamedTuple):
    """A guardrail of an arm over all points [points]. `bound`: infinite while nothing can be said."""

    lift: F64
    bound: F64
    beyond: Flags


def guarded(plan: Plan, points: Sequence[Sums]) -> tuple[GuardrailReading, ...]:
    """Each guardrail of each arm, at the last of the points."""
    return tuple(_guarded(plan, points, arm, rail) for rail in plan.guardrails for arm in plan.arms)


def crossed(plan: Plan, points: Sequence[Sums]) -> tuple[GuardrailReading, ...]:
    """The arms that must be stopped, each with the guardrail that it crossed."""
    return tuple(each for each in guarded(plan, points) if each.crossed)


def watched(plan: Plan, points: Sequence[Sums], arm: str, rail: Guardrail) -> GuardrailTrack:
    """The guardrail at each of the points."""
    alpha = plan.alpha / (len(plan.guardrails) * len(plan.arms))
    seen = compared(plan, points, arm, rail.metric)
    lift, falls = seen.adjusted, rail.worst <= 0.0
    rho = rho_for(alpha, TUNED_AT * plan.users_of(arm), two_sided=False)
    low, high = interval(lift, one_sided_stretch(seen.time, alpha, rho))
    bound = np.where(seen.readable, high if falls else low, np.inf if falls else -np.inf)
    return GuardrailTrack(lift.value, bound, bound < rail.worst if falls else bound > rail.worst)


def _guarded(plan: Plan, points: Sequence[Sums], arm: str, rail: Guardrail) -> GuardrailReading:
    seen = watched(plan, points, arm, rail)
    value = edge = None
    if np.isfinite(seen.bound[-1]):
        value, edge = float(seen.lift[-1]), float(seen.bound[-1])
    text = _text(plan.control, arm, rail, value, edge, seen.beyond)
    return GuardrailReading(arm, rail.metric, rail.worst, value, edge, bool(seen.beyond.any()), text)


def _text(
    control: str, arm: str, rail: Guardrail, value: float | None, edge: float | None, out: Flags
) -> str:
    if value is None or edge is None:
        return f"{arm}: {rail.metric} can't be read yet"
    at_best = f"{'at most' if rail.worst <= 0.0 else 'at least'} {edge:+.1%}"
    if not out.any():
        return f"{arm}: {rail.metric} {value:+.1%}, {at_best}; the arm is stopped beyond {rail.worst:+.1%}"
    when = "is" if out[-1] else "was"
    return (
        f"Stop {arm}: its {rail.metric} {when} worse than {rail.worst:+.1%} allows (now {value:+.1%},"
        f" {at_best}). Send its users back to {control}."
    )
