"""What visits come to: true quality over time, recovery after a drift, differences between worlds.

Quality is the share of the best: the expected clicks of what was shown, as a part of those of the best slates
for the same users at the same moments. Visits of one user hang together, so errors are of sums by user.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.evaluate import Estimate
from streams.offline.simulation.draws import F64
from streams.offline.simulation.factors import Numbers
from streams.offline.simulation.visiting import VisitOutcome

RECOVERED = 0.9
"""Of the earlier quality."""


@dataclass(frozen=True)
class Columns:
    """The fields of visits (`VisitOutcome`), each [N], in their order."""

    number: Numbers
    user: Numbers
    arm: NDArray[np.str_]
    value: F64
    best: F64
    ndcg: F64
    low: F64
    clicks: F64
    events: Numbers
    learned: Numbers
    stranger: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.number)

    def at(self, which: NDArray[np.bool_] | slice) -> Columns:
        """Some of the visits."""
        columns: list[Any] = [getattr(self, name)[which] for name in _NAMES]
        return Columns(*columns)


_NAMES = tuple(field.name for field in fields(Columns))
_KIND: dict[str, Any] = {
    **dict.fromkeys(("number", "user", "events", "learned"), np.int64),
    "arm": np.str_,
    "stranger": np.bool_,
}


def columns_of(seen: Sequence[VisitOutcome]) -> Columns:
    """The visits as columns."""
    columns: list[Any] = [
        np.array([getattr(each, name) for each in seen], _KIND.get(name, np.float64)) for name in _NAMES
    ]
    return Columns(*columns)


class Figures(NamedTuple):
    """Of some visits. `share`: of the best; `value`: expected clicks a slate; `regret`: by how many the best
    slates have more; `clicks`: those that came; `ndcg`: against the truth; `low`: expected clicks a slate
    that are then rated low.
    """

    visits: int
    share: Estimate
    value: Estimate
    regret: Estimate
    clicks: Estimate
    ndcg: Estimate
    low: Estimate


def figures(of: Columns) -> Figures:
    """The figures of some visits; NaN where there are none."""
    return Figures(
        len(of),
        ratio(of.value, of.best, of.user),
        mean(of.value, of.user),
        mean(of.best - of.value, of.user),
        mean(of.clicks, of.user),
        mean(of.ndcg, of.user),
        mean(of.low, of.user),
    )


def mean(values: F64, users: Numbers) -> Estimate:
    """The mean of visits, with an error that takes users, not visits, as independent."""
    return ratio(values, np.ones(len(values)), users)


def ratio(above: F64, below: F64, users: Numbers) -> Estimate:
    """A ratio of sums, with its standard error by the delta method on users' sums.

    >>> ratio(np.array([1.0, 2.0]), np.array([2.0, 4.0]), np.array([0, 1]))
    Estimate(value=0.5, error=0.0)
    """
    whole = float(below.sum()) if len(below) else 0.0
    if whole == 0.0:
        return Estimate(float("nan"), float("nan"))
    value = float(above.sum()) / whole
    left = np.bincount(users, above - value * below)
    count = len(np.unique(users))
    if count < 2:
        return Estimate(value, float("nan"))
    return Estimate(value, float(np.sqrt(left @ left * count / (count - 1)) / abs(whole)))


def gained(of: Columns, other: Columns) -> Estimate:
    """By which part of it the expected clicks are above those of the same visits in another world."""
    return ratio(of.value - other.value, other.value, of.user)


def lifted(of: Columns, other: Columns) -> Estimate:
    """By which part of it the expected clicks a slate are above those of other users, of another arm."""
    first, second = mean(of.value, of.user), mean(other.value, other.user)
    value = first.value / second.value
    error = value * float(np.hypot(first.error / first.value, second.error / second.value))
    return Estimate(value - 1.0, error)


class Window(NamedTuple):
    """Some visits on end, up to visit `until` (without it); `events` and `learned` by its end."""

    until: int
    events: int
    learned: int
    share: float
    value: float
    best: float
    clicks: float
    ndcg: float


def windows(of: Columns, size: int) -> list[Window]:
    """The visits, `size` at a time; the last window may be shorter."""
    found = []
    for begin in range(0, len(of), size):
        part = of.at(slice(begin, begin + size))
        found.append(
            Window(
                int(part.number[-1]) + 1,
                int(part.events[-1]),
                int(part.learned[-1]),
                _share(part),
                *(float(column.mean()) for column in (part.value, part.best, part.clicks, part.ndcg)),
            )
        )
    return found


def _share(of: Columns) -> float:
    whole = float(of.best.sum())
    return float(of.value.sum()) / whole if whole else float("nan")


class Recovery(NamedTuple):
    """`before`: the quality of the second half of the visits before the drift; `lowest`: of a window after
    it; `last`: of the last one. `visits`, `events` and `learned`: how many of them passed up to the end of
    the first window that is back at `RECOVERED` of what it was, as is the window behind it; None where
    none is. 0: it was never away.
    """

    before: float
    lowest: float
    last: float
    visits: int | None
    events: int | None
    learned: int | None


def recovery(of: Columns, drift_at: int, window: int) -> Recovery | None:
    """What became of the quality after the drift, over windows of so many visits that begin at each visit
    after it; None where there are not as many on both sides.
    """
    split = int(np.searchsorted(of.number, drift_at))
    size = min(window, split, len(of) - split)
    if size < 1:
        return None
    before = _share(of.at(slice(split // 2, split)))
    value, best = (np.concatenate([[0.0], np.cumsum(column[split:])]) for column in (of.value, of.best))
    below = best[size:] - best[:-size]
    after = np.divide(value[size:] - value[:-size], below, out=np.zeros(len(below)), where=below > 0)
    good = after >= RECOVERED * before
    back = np.flatnonzero(good[: max(len(good) - size, 0)] & good[size:])
    passed: tuple[int | None, ...] = (None, None, None)
    if len(back):
        end = split + int(back[0]) + size - 1 if back[0] else split
        passed = (
            end - split,
            int(of.events[end] - of.events[split]),
            int(of.learned[end] - of.learned[split]),
        )
    return Recovery(before, float(after.min()), float(after[-1]), *passed)
