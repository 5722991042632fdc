"""What an experiment says now: each arm and metric with its interval, what blocks it, and a verdict in words.

The adjusted lift decides, the unadjusted one stands beside it. Several arms share alpha by Holm's method on
the primary metric; the other metrics are claims of e-BH (`corrections`). A sample-ratio mismatch blocks the
reading: no figure of such an experiment can be trusted. Once decided it stays decided, for the promise is of
all looks together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import msgspec
import numpy as np

from streams.experiments.arm_sums import NOBODY
from streams.experiments.assignment.arm_text import period_arm
from streams.experiments.readings.bayesian import posterior
from streams.experiments.readings.best import best_arm
from streams.experiments.readings.corrections import Flags, e_bh, holm
from streams.experiments.readings.guardrails import GuardrailReading, guarded
from streams.experiments.readings.mismatch import Period, log_odds_of
from streams.experiments.readings.moments import F64
from streams.experiments.readings.plan import Plan
from streams.experiments.readings.planning import drift, users_needed
from streams.experiments.readings.sequence import p_value
from streams.experiments.readings.tracks import Line, Sums, Track, track

State = Literal["early", "better", "worse", "open", "ended"]
POWER = 0.8


class Estimate(msgspec.Struct, frozen=True):
    """A relative lift (0.05: 5% more than control), its standard error and its interval; none where it can't
    be known yet. `p`: that may be read at any time; none for a group-sequential reading.
    """

    lift: float | None
    error: float | None
    low: float | None
    high: float | None
    p: float | None


class ArmReading(msgspec.Struct, frozen=True):
    """A metric of an arm against control. `value`, `control_value`: the metric itself. `noise_cut`: the share
    of the variance that earlier behaviour took away. `state`: "early" while there is too little, "better" or
    "worse" once decided, "ended" at the planned size without a decision, "open" else. `decided_at`: users of
    both arms then. `chance`: Bayesian, that the arm's lift is above 0. `needed`: users of both arms that the
    plan's minimum effect needs, with the noise as it is.
    """

    arm: str
    metric: str
    users: int
    control_users: int
    value: float | None
    control_value: float | None
    adjusted: Estimate
    unadjusted: Estimate
    noise_cut: float
    state: State
    decided_at: int | None
    chance: float | None
    needed: int | None


class Mismatch(msgspec.Struct, frozen=True):
    """Whether arms have the users of their shares. `p`: may be read at any time. `found`: now or earlier."""

    p: float
    found: bool
    users: dict[str, int]
    expected: dict[str, float]


class Reading(msgspec.Struct, frozen=True):
    """`primary`: each arm's; `others`: of all other metrics. `blocked`: by a mismatch. `best`: where weights
    are adaptive, the arm that is better than each other one; "" else, and as long as it is not sure.
    """

    mismatch: Mismatch
    primary: tuple[ArmReading, ...]
    others: tuple[ArmReading, ...]
    guardrails: tuple[GuardrailReading, ...]
    best: str = ""

    @property
    def blocked(self) -> bool:
        return self.mismatch.found


def reading(plan: Plan, sums: Sums, history: Sequence[Sums] = ()) -> Reading:
    """`sums`: now. `history`: what they were at earlier points, the oldest first; a group-sequential reading
    finds its looks in it, a sequence when it decided.
    """
    points = [*history, sums]
    others = sorted({metric for _, metric in sums} - {plan.primary})
    level = plan.alpha / len(plan.arms)
    tracks = {arm: track(plan, points, arm, plan.primary, level) for arm in plan.arms}
    decides = _holm(plan, tracks)
    return Reading(
        mismatch(plan, points),
        tuple(_arm(plan, tracks[arm], arm, plan.primary, decides[arm]) for arm in plan.arms),
        _others(plan, points, others),
        guarded(plan, points),
        best_arm(plan, points) if plan.periods else "",
    )


def mismatch(plan: Plan, points: Sequence[Sums]) -> Mismatch:
    """Of the users of the primary metric. Where shares changed, each period is judged by its own."""
    now, expected = dict.fromkeys(plan.shares, 0), dict.fromkeys(plan.shares, 0.0)
    for users, shares in _periods(plan, points[-1]):
        part = sum(users) / sum(shares)
        for arm, came, share in zip(plan.shares, users, shares, strict=True):
            now[arm] += came
            expected[arm] += part * share
    most = float(mismatch_evidence(plan, points).max())
    return Mismatch(math.exp(-max(0.0, most)), most >= -math.log(plan.mismatch_alpha), now, expected)


def mismatch_evidence(plan: Plan, points: Sequence[Sums]) -> F64:
    """The logarithm of the evidence against the shares at each point."""
    return np.array([log_odds_of(_periods(plan, point)) for point in points])


def _periods(plan: Plan, point: Sums) -> list[Period]:
    return [
        Period(
            tuple(point.get((period_arm(arm, number), plan.primary), NOBODY).users for arm in plan.shares),
            tuple(shares.get(arm, 0.0) for arm in plan.shares),
        )
        for number, shares in enumerate(plan.periods or (plan.shares,), 1)
    ]


def _holm(plan: Plan, tracks: dict[str, Track]) -> dict[str, Flags]:
    """At which points each arm's primary metric is decided."""
    if plan.reading == "group" or len(tracks) == 1:
        return {arm: seen.adjusted.decides for arm, seen in tracks.items()}
    p = np.stack([p_value(seen.adjusted.log_e) for seen in tracks.values()])
    corrected = np.apply_along_axis(holm, 0, p)
    return {
        arm: np.isfinite(seen.adjusted.low) & (corrected[at] <= plan.alpha)
        for at, (arm, seen) in enumerate(tracks.items())
    }


def _others(plan: Plan, points: Sequence[Sums], metrics: Sequence[str]) -> tuple[ArmReading, ...]:
    pairs = [(arm, metric) for metric in metrics for arm in plan.arms]
    tracks = [track(plan, points, arm, metric, plan.alpha) for arm, metric in pairs]
    if not tracks:
        return ()
    log_e = np.stack([seen.adjusted.log_e for seen in tracks])
    claimed = np.apply_along_axis(e_bh, 0, log_e, plan.alpha)
    return tuple(
        _arm(plan, seen, arm, metric, claimed[at] & seen.adjusted.decides)
        for at, ((arm, metric), seen) in enumerate(zip(pairs, tracks, strict=True))
    )


def _arm(plan: Plan, seen: Track, arm: str, metric: str, decides: Flags) -> ArmReading:
    cuped, raw = seen.adjusted, seen.unadjusted
    shown = _shown(plan, seen)
    last = float(seen.shares[-1])
    state: State = "open" if shown is not None else "early"
    decided_at = None
    if decides.any():
        first = int(np.argmax(decides))
        decided_at = int(cuped.lift.users[first])
        state = "better" if (cuped.lift.value[first] > 0.0) == plan.rises(metric) else "worse"
    elif state == "open" and last >= 1.0:
        state = "ended"
    variance, bare = float(cuped.lift.variance[-1]), float(raw.lift.variance[-1])
    readable = bool(seen.readable[-1]) and variance > 0.0
    return ArmReading(
        arm,
        metric,
        int(seen.arm.users[-1]),
        int(seen.control.users[-1]),
        _finite(seen.arm.value[-1]),
        _finite(seen.control.value[-1]),
        _estimate(cuped, shown, plan),
        _estimate(raw, shown, plan),
        1.0 - variance / bare if readable else 0.0,
        state,
        decided_at,
        posterior(float(cuped.lift.value[-1]), variance, plan.prior_deviation, plan.alpha).chance
        if plan.prior_deviation is not None and readable
        else None,
        _needed(plan, cuped, metric) if readable else None,
    )


def _shown(plan: Plan, seen: Track) -> int | None:
    """The point whose interval stands: the last one, or the last look of a group-sequential reading; none
    where nothing is known.
    """
    last = len(seen.readable) - 1
    if plan.reading == "group":
        return next((at for at in reversed(seen.due) if np.isfinite(seen.adjusted.low[at])), None)
    return last if np.isfinite(seen.adjusted.low[last]) else None


def _estimate(line: Line, at: int | None, plan: Plan) -> Estimate:
    if at is None:
        return Estimate(_finite(line.lift.value[-1]), None, None, None, None)
    return Estimate(
        _finite(line.lift.value[at]),
        _finite(math.sqrt(line.lift.variance[at])),
        _finite(line.low[at]),
        _finite(line.high[at]),
        float(p_value(line.log_e[at])) if plan.reading == "sequential" else None,
    )


def _needed(plan: Plan, line: Line, metric: str) -> int | None:
    if plan.minimum_effect == 0.0 or metric != plan.primary:
        return None
    level = plan.alpha / len(plan.arms)
    found_at = (
        drift(level, POWER)
        if plan.reading == "sequential"
        else drift(level, POWER, plan.looks, plan.spending)
    )
    return users_needed(float(line.lift.variance[-1] * line.lift.users[-1]), plan.minimum_effect, found_at)


def _finite(value: float | np.float64) -> float | None:
    return float(value) if math.isfinite(value) else None
