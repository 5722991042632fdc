"""A copy of the counters as they are at one moment, made in small pieces while they go on counting.

What changes a row first tells the copy (`before`), which then takes that row as it still is; all other rows
are copied slice by slice (`step`). So the copy is of the moment at which it was begun, whatever was counted
meanwhile, and no piece takes longer than `SLICE_ROWS` rows and `SLICE_PAIRS` pairs do.

Free blocks of pairs (streams/counters/pairs.py) are chained through their first cells. Blocks are taken and
given back at the head of a chain, so the part of a chain that was there at the beginning stays as it is below
some place. `_original` are these places; they go down as `before` or `step` copies the links.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled

if TYPE_CHECKING:
    from streams.counters.counters import Counters

SLICE_ROWS = 2_048
SLICE_PAIRS = 32_768
SLICE_LINKS = 4_096

OF_ROWS = {
    "popularity": (
        *("decayed", "total", "events", "shown", "rating_sum", "rating_count", "first_ms", "last_ms"),
    ),
    "pairs": ("start", "length", "room", "outgoing"),
}
"""The columns that have an entry for each item row."""
OF_PAIRS = ("neighbour", "count")
"""Those that have one for each pair."""

Columns = dict[str, NDArray[Any]]
Numbers = dict[str, int | float]


def parts_of(counters: Counters) -> dict[str, Any]:
    """What a copy and a snapshot hold of counters, by name."""
    return {"popularity": counters.popularity, "pairs": counters.pairs}


def columns_of(part: Any) -> Columns:
    """The arrays of a part."""
    return {name: value for name, value in vars(part).items() if isinstance(value, np.ndarray)}


def numbers_of(part: Any) -> Numbers:
    """The numbers of a part, without those that are its own affair."""
    return {
        name: value
        for name, value in vars(part).items()
        if isinstance(value, int | float) and not name.startswith("_")
    }


class GradualCopy:
    """Begun when it is made, between two batches. `columns` and `numbers` of each part are whole once `done`.

    It holds the rows and pairs that there are then, without the room behind them. `before` and `step` may be
    called from different threads. `most_rows` and `most_pairs`: of one piece so far.
    """

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._parts = parts_of(counters)
        self.interactions = counters.interactions
        self.columns: dict[str, Columns] = {}
        self.numbers: dict[str, Numbers] = {}
        self._rows, pairs = counters.pairs.known, int(counters.pairs.used[0])
        for name, part in self._parts.items():
            sizes = dict.fromkeys(OF_ROWS[name], self._rows) | dict.fromkeys(OF_PAIRS, pairs)
            self.numbers[name] = numbers_of(part)
            self.columns[name] = {
                # Zeros in new memory cost nothing until something is written there.
                key: np.zeros((sizes[key], *value.shape[1:]), value.dtype) if key in sizes else value.copy()
                for key, value in columns_of(part).items()
            }
        self._original = counters.pairs.free.copy()
        self._taken = np.zeros(self._rows, np.bool_)
        self._next = 0
        self._turn = threading.Lock()
        self.most_rows = self.most_pairs = 0
        self.done = False

    def before(self, rows: NDArray[np.int32]) -> None:
        """These rows are about to change."""
        with self._turn:
            if self.done:
                return
            rows, pairs = np.unique(rows), self._counters.pairs
            # A row grows through each class of blocks once: no chain loses more blocks than there are rows.
            keep_links(
                self.columns["pairs"]["neighbour"], self._original, pairs.neighbour, pairs.free, len(rows)
            )
            rows = rows[: int(np.searchsorted(rows, len(self._taken)))]  # later ones were not there yet
            self._take(rows[~self._taken[rows]])

    def step(self) -> bool:
        """Copy the next piece; whether that was the last one."""
        with self._turn:
            if self._next < len(self._taken):
                rows = self._slice()
                self._next = int(rows[-1]) + 1
                self._take(rows[~self._taken[rows]])
            else:
                neighbour = self.columns["pairs"]["neighbour"]
                self.done = copy_links(neighbour, self._original, self._counters.pairs.neighbour, SLICE_LINKS)
            return self.done

    @property
    def spoilt(self) -> bool:
        """Whether all counts were scaled anew since the copy was begun: then it is of no one moment."""
        return any(
            self.numbers[name]["landmark_ms"] not in (-1, part.landmark_ms)
            for name, part in self._parts.items()
        )

    def _slice(self) -> NDArray[np.int32]:
        """The next rows, as many as make one piece; at least one."""
        end = min(self._next + SLICE_ROWS, len(self._taken))
        pairs = np.cumsum(self._counters.pairs.room[self._next : end])
        fit = int(np.searchsorted(pairs, SLICE_PAIRS, side="right"))
        if fit < len(pairs):
            end = self._next + max(fit, 1)
        return np.arange(self._next, end, dtype=np.int32)

    def _take(self, rows: NDArray[np.int32]) -> None:
        """Copy `rows`, none of which was copied before."""
        self._taken[rows] = True
        for name, part in self._parts.items():
            to = self.columns[name]
            for key in OF_ROWS[name]:
                to[key][rows] = getattr(part, key)[rows]
        pairs, to = self._counters.pairs, self.columns["pairs"]
        copied = copy_blocks(
            rows, pairs.start, pairs.length,
            pairs.neighbour, pairs.count, to["neighbour"], to["count"],
        )  # fmt: skip
        self.most_rows = max(self.most_rows, len(rows))
        self.most_pairs = max(self.most_pairs, copied)


@compiled
def copy_blocks(
    rows: NDArray[np.int32],
    start: NDArray[np.int64],
    length: NDArray[np.int32],
    neighbour: NDArray[np.int32],
    count: NDArray[np.float32],
    to_neighbour: NDArray[np.int32],
    to_count: NDArray[np.float32],
) -> int:
    """Copy the pairs of `rows` to the same places; how many they were."""
    copied = 0
    for row in rows:
        begin, n = start[row], length[row]
        for k in range(begin, begin + n):
            to_neighbour[k] = neighbour[k]
            for kind in range(count.shape[1]):
                to_count[k, kind] = count[k, kind]
        copied += n
    return copied


@compiled
def keep_links(
    to_neighbour: NDArray[np.int32],
    original: NDArray[np.int64],
    neighbour: NDArray[np.int32],
    free: NDArray[np.int64],
    most: int,
) -> None:
    """Copy the links of the first `most` blocks of each chain, as far as they were there at the beginning."""
    for size in range(len(free)):
        at = free[size]
        for _ in range(most):
            if at < 0:
                break
            if at == original[size]:
                to_neighbour[at] = neighbour[at]
                original[size] = neighbour[at]
            at = np.int64(neighbour[at])


@compiled
def copy_links(
    to_neighbour: NDArray[np.int32], original: NDArray[np.int64], neighbour: NDArray[np.int32], most: int
) -> bool:
    """Copy the next `most` links; whether none is left."""
    for size in range(len(original)):
        while original[size] >= 0:
            if most == 0:
                return False
            most -= 1
            at = original[size]
            to_neighbour[at] = neighbour[at]
            original[size] = neighbour[at]
    return True
