"""Ways to read a simulated experiment at each look: when each of them decides, for many runs at once."""

from __future__ import annotations

import math
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from streams.experiments.readings.corrections import Flags
from streams.experiments.readings.group import Spending, bounds
from streams.experiments.readings.lift import Lift, adjusted, interval, unadjusted
from streams.experiments.readings.moments import F64, Ratio, ratios
from streams.experiments.readings.sequence import one_sided_stretch, rho_for, stretch
from streams.experiments.readings.tracks import TUNED_AT, can_be_read
from streams.experiments.simulated.users import Looks

GROUP_LOOKS = 10


class ReadLifts(NamedTuple):
    """The lifts of all runs [runs, looks]. `readable`: where a reading says anything."""

    raw: Lift
    cuped: Lift
    readable: Flags


class DecisionFigures(msgspec.Struct, frozen=True):
    """When the runs decide. `share`: of them that do by the last look. `error`: its standard error. `right`:
    of them that decide for the side that is true. `median_users`, `mean_users`: at the decision, the planned
    ones where it never comes. `by_look`: the share that has decided by each look.
    """

    share: float
    error: float
    right: float
    median_users: float
    mean_users: float
    by_look: list[float]


def seen(looks: Looks) -> ReadLifts:
    """What each run shows at each look."""
    control, arm = (_ratio(looks, at) for at in (0, 1))
    raw = unadjusted(control, arm)
    return ReadLifts(raw, adjusted(control, arm), can_be_read(control, arm, raw))


def _ratio(looks: Looks, arm: int) -> Ratio:
    return ratios(looks.users[..., arm], looks.sums[..., arm, :], looks.products[..., arm, :, :])


def sequential(lift: Lift, readable: Flags, alpha: float, planned: int, truth: float = 0.0) -> Flags:
    """Where the confidence sequence leaves `truth` out."""
    rho = rho_for(alpha, TUNED_AT * planned)
    return _leaves_out(lift, readable, stretch(lift.users, alpha, rho), truth)


def peeking(lift: Lift, readable: Flags, alpha: float) -> Flags:
    """What nobody should do: a usual z test at each look."""
    return _leaves_out(lift, readable, np.full(readable.shape, _z(alpha) ** 2))


def fixed(lift: Lift, readable: Flags, alpha: float, truth: float = 0.0) -> Flags:
    """A usual z test at the last look only."""
    squared = np.full(readable.shape, np.inf)
    squared[:, -1] = _z(alpha) ** 2
    return _leaves_out(lift, readable, squared, truth)


def delta(lift: Lift, readable: Flags, alpha: float, truth: float) -> Flags:
    """The same by the standard error of the lift: the usual interval of the delta method."""
    found = np.zeros_like(readable)
    z = np.abs(lift.value[:, -1] - truth) / np.sqrt(lift.variance[:, -1])
    found[:, -1] = readable[:, -1] & (z > _z(alpha))
    return found


def group(lift: Lift, readable: Flags, alpha: float, spending: Spending) -> Flags:
    """Looks at tenths of the planned users, with the alpha that each may spend."""
    looks = readable.shape[1]
    due = [max(1, looks * look // GROUP_LOOKS) - 1 for look in range(1, GROUP_LOOKS + 1)]
    due = sorted(set(due))
    squared = np.full(readable.shape, np.inf)
    squared[:, due] = bounds([(at + 1) / looks for at in due], alpha, spending) ** 2
    return _leaves_out(lift, readable, squared)


def harm(lift: Lift, readable: Flags, alpha: float, planned: int, worst: float) -> Flags:
    """Where a guardrail against a fall beyond `worst` is crossed."""
    rho = rho_for(alpha, TUNED_AT * planned, two_sided=False)
    _, high = interval(lift, one_sided_stretch(lift.users, alpha, rho))
    return readable & (high < worst)


def _leaves_out(lift: Lift, readable: Flags, squared: F64, truth: float = 0.0) -> Flags:
    low, high = interval(lift, squared)
    return readable & ((low > truth) | (high < truth))


def decided(lift: Lift, decides: Flags, every: int, truth: float = 0.0) -> DecisionFigures:
    """When the runs decide."""
    runs, looks = decides.shape
    ever, first = decides.any(axis=1), decides.argmax(axis=1)
    users = np.where(ever, (first + 1) * every, looks * every)
    sides: NDArray[np.float64] = np.sign(lift.value[np.arange(runs), first])
    share = float(ever.mean())
    return DecisionFigures(
        share,
        math.sqrt(share * (1.0 - share) / runs),
        float((ever & (sides == np.sign(truth))).mean()),
        float(np.median(users)),
        float(users.mean()),
        np.maximum.accumulate(decides, axis=1).mean(axis=0).tolist(),
    )


def _z(alpha: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(1.0 - alpha / 2.0))
