"""How much better or worse one group of users is served than all others, with intervals.

Events of one user resemble each other, so intervals come from drawing whole users, not events (cluster
bootstrap; Cameron, Gelbach and Miller 2008).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

DRAWS = 10_000
DRAWS_AT_ONCE = 500
SMALLEST_USERS = 10  # a group of fewer users, or with fewer left over, has no interval to speak of


class Gap(NamedTuple):
    """The mean of one group's events minus that of all others'.

    low, high: the 95% interval of this difference by itself. holds: whether the interval widened for all the
    differences that were looked at together (Bonferroni) still leaves 0 out.
    """

    group: str
    users: int
    events: int
    mean: float
    difference: float
    low: float
    high: float
    holds: bool


def group_gaps(
    values: ArrayLike, groups: ArrayLike, users: ArrayLike, compared: int | None = None, seed: int = 7
) -> list[Gap]:
    """A gap for each group in groups [n] ("": unknown, left out) of values [n] of users [n].

    `compared`: how many differences are looked at in all (by default as many as there are groups here).
    """
    said, names = np.asarray(values, np.float64), np.asarray(groups, np.str_)
    known = names != ""
    said, names, who = said[known], names[known], np.asarray(users)[known]
    _, user = np.unique(who, return_inverse=True)
    count = int(user.max(initial=-1)) + 1
    found = []
    for name in np.unique(names):
        inside = names == name
        sides = [_by_user(said[side], user[side], count) for side in (inside, ~inside)]
        if min(int((events > 0).sum()) for _, events in sides) >= SMALLEST_USERS:
            found.append((str(name), inside, sides))
    share = 0.05 / max(compared or len(found), 1)
    gaps = []
    for name, inside, sides in found:
        drawn = _drawn(sides, count, np.random.default_rng(seed))
        low, high, lowest, highest = np.quantile(drawn, [0.025, 0.975, share / 2, 1 - share / 2])
        mean = float(said[inside].mean())
        gaps.append(
            Gap(
                name,
                int((sides[0][1] > 0).sum()),
                int(inside.sum()),
                mean,
                mean - float(said[~inside].mean()),
                float(low),
                float(high),
                bool(lowest > 0 or highest < 0),
            )
        )
    return gaps


Sums = tuple[NDArray[np.float64], NDArray[np.float64]]


def _by_user(values: NDArray[np.float64], user: NDArray[np.intp], count: int) -> Sums:
    """Each user's sum and number of events."""
    sums = np.bincount(user, values, count).astype(np.float64)
    return sums, np.bincount(user, minlength=count).astype(np.float64)


def _drawn(sides: list[Sums], users: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """The difference in DRAWS draws of as many users, with replacement, where both sides are there."""
    parts = []
    for _ in range(DRAWS // DRAWS_AT_ONCE):
        times = rng.multinomial(users, np.full(users, 1 / users), DRAWS_AT_ONCE).astype(np.float64)
        (mine, my_events), (theirs, their_events) = ((times @ sums, times @ events) for sums, events in sides)
        both = (my_events > 0) & (their_events > 0)
        parts.append(mine[both] / my_events[both] - theirs[both] / their_events[both])
    return np.concatenate(parts)
