"""How many users an experiment needs, for the reading that it will get.

The power of a reading that is looked at many times is found by integrating over its looks (`crossing`), as
for a Brownian motion: Jennison and Turnbull (2000), chapter 3.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from streams.experiments.readings.crossing import chances, drift_for
from streams.experiments.readings.group import Spending, bounds
from streams.experiments.readings.moments import F64
from streams.experiments.readings.sequence import rho_for, stretch
from streams.experiments.readings.tracks import TUNED_AT

LOOKS_FOR_POWER = 40
"""More looks find an effect a little sooner; a plan does not count on them."""


def sequence_bounds(shares: F64, alpha: float) -> F64:
    """The bound of |Z| at each share of the planned users, of a sequence that is tuned for the plan."""
    found: F64 = np.sqrt(stretch(shares, alpha, rho_for(alpha, TUNED_AT)))
    return found


@lru_cache(maxsize=64)
def drift(
    alpha: float, power: float, looks: int = LOOKS_FOR_POWER, spending: Spending | None = None
) -> float:
    """The lift over its standard error at the planned size that is found with this chance by then.

    `spending`: of a group-sequential reading; none for a sequence.
    """
    shares = np.arange(1, looks + 1) / looks
    limits = sequence_bounds(shares, alpha) if spending is None else bounds(shares.tolist(), alpha, spending)
    return drift_for(shares.tolist(), limits.tolist(), power)


def alarms(alpha: float, looks: int) -> float:
    """The chance that a sequence ever leaves 0 out by the planned size, where nothing differs."""
    shares = np.arange(1, looks + 1) / looks
    return float(chances(shares.tolist(), sequence_bounds(shares, alpha).tolist()).sum())


def users_needed(variance_a_user: float, effect: float, found_at: float) -> int:
    """Users of both arms. `variance_a_user`: of a lift of 0, times users. `effect`: relative. `found_at`: the
    drift. An arm that is better by `effect` also varies more by it.
    """
    return math.ceil(variance_a_user * 0.5 * (1.0 + (1.0 + effect) ** 2) * (found_at / effect) ** 2)


def effect_found(variance_a_user: float, users: float, found_at: float) -> float:
    """The least rise that `users` are enough for: the inverse of `users_needed`. Infinite for too few."""
    bare = found_at**2 * variance_a_user / users
    return (bare + math.sqrt(bare**2 + 2.0 * bare * (2.0 - bare))) / (2.0 - bare) if bare < 2.0 else math.inf
