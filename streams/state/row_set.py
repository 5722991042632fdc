"""A set of item rows that change one by one and are read all at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from streams.state.columns import longer

NO_ROWS = np.empty(0, np.int32)


class RowSet:
    """Of rows below a bound (`make_room`). The last row takes the place of one that leaves: all but `members`
    takes the same time, however many there are.
    """

    def __init__(self, rows: NDArray[np.integer] | Sequence[int] = NO_ROWS, bound: int = 0) -> None:
        self._rows = np.zeros(bound, np.int32)
        self._places = np.zeros(bound, np.int32)  # 1 for the first, 0 for a row that is not there
        self._count = len(rows)
        self._rows[: len(rows)] = rows
        self._places[self._rows[: len(rows)]] = np.arange(1, len(rows) + 1)

    def __len__(self) -> int:
        return self._count

    def __contains__(self, row: int) -> bool:
        return bool(self._places[row])

    def make_room(self, bound: int) -> None:
        """For rows up to `bound`."""
        self._rows, self._places = longer(self._rows, bound), longer(self._places, bound)

    def members(self) -> NDArray[np.int32]:
        """All of them, in no order: int32 [n]; a view, which changes with the set."""
        return self._rows[: self._count]

    def add(self, row: int) -> None:
        """Nothing changes where it is there."""
        if not self._places[row]:
            self._rows[self._count] = row
            self._count += 1
            self._places[row] = self._count

    def discard(self, row: int) -> None:
        """Nothing changes where it is not there."""
        place = int(self._places[row])
        if place:
            self._count -= 1
            last = self._rows[self._count]
            self._rows[place - 1], self._places[last] = last, place
            self._places[row] = 0
