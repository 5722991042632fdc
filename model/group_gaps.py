"""How much better or worse a model serves one group of users than all others, with intervals.

Events of one user resemble each other, so intervals come from drawing whole users, not events (cluster
bootstrap; Cameron, Gelbach and Miller 2008).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

DRAWS = 10_000
DRAWS_AT_ONCE = 500
SMALLEST_USERS = 10  # a group of fewer users, or with fewer others, has no useful interval


class Gap(NamedTuple):
    """The mean of one group's events minus that of all others'.

    low, high: the 95% interval of this difference by itself. holds: whether the interval still leaves 0 out
    when it is widened for all compared differences together (Bonferroni).
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

    `compared`: how many differences the caller compares in all (by default the number of groups here).
    """
    amounts, names = np.asarray(values, np.float64), np.asarray(groups, np.str_)
    known = names != ""
    amounts, names, who = amounts[known], names[known], np.asarray(users)[known]
    _, user = np.unique(who, return_inverse=True)
    count = int(user.max(initial=-1)) + 1
    found = []
    for name in np.unique(names):
        inside = names == name
        sides = (
            _by_user(amounts[inside], user[inside], count),
            _by_user(amounts[~inside], user[~inside], count),
        )
        if min(int((each.events > 0).sum()) for each in sides) >= SMALLEST_USERS:
            found.append((str(name), inside, sides))
    share = 0.05 / max(compared or len(found), 1)
    drawn = _drawn([sides for _, _, sides in found], count, np.random.default_rng(seed))
    gaps = []
    for (name, inside, sides), differences in zip(found, drawn, strict=True):
        low, high, lowest, highest = np.nanquantile(differences, [0.025, 0.975, share / 2, 1 - share / 2])
        mean = float(amounts[inside].mean())
        gaps.append(
            Gap(
                name,
                int((sides[0].events > 0).sum()),
                int(inside.sum()),
                mean,
                mean - float(amounts[~inside].mean()),
                float(low),
                float(high),
                bool(lowest > 0 or highest < 0),
            )
        )
    return gaps


class _Sums(NamedTuple):
    """For each user the sum of the values and the number of events on one side, [users]."""

    values: NDArray[np.float64]
    events: NDArray[np.float64]


def _by_user(values: NDArray[np.float64], user: NDArray[np.intp], count: int) -> _Sums:
    sums = np.bincount(user, values, count).astype(np.float64)
    return _Sums(sums, np.bincount(user, minlength=count).astype(np.float64))


def _drawn(gaps: list[tuple[_Sums, _Sums]], users: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Each gap in DRAWS draws of as many users, [gaps, DRAWS]; NaN if a side is empty."""
    drawn = np.full((len(gaps), DRAWS), np.nan)
    for begin in range(0, DRAWS if gaps else 0, DRAWS_AT_ONCE):
        times = rng.multinomial(users, np.full(users, 1 / users), DRAWS_AT_ONCE).astype(np.float64)
        for at, sides in enumerate(gaps):
            mine, theirs = (np.stack([times @ each.values, times @ each.events]) for each in sides)
            both = (mine[1] > 0) & (theirs[1] > 0)
            part = drawn[at, begin : begin + DRAWS_AT_ONCE]
            part[both] = mine[0, both] / mine[1, both] - theirs[0, both] / theirs[1, both]
    return drawn
