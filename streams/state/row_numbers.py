"""A short list of numbers for each row, one behind the other in one array, which compiled code reads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from streams.state.columns import longer, room_for

HOLES = 1_024
"""Numbers that may stand in no list before the array is made anew, beside half of those that stand in one."""


class RowNumbers:
    """`numbers` int32: those of row n stand from `start[n]` on, int64, and are `count[n]`, int32. All have
    room behind what is known; a row that was never put has none.
    """

    def __init__(self) -> None:
        self.start = np.zeros(0, np.int64)
        self.count = np.zeros(0, np.int32)
        self.numbers = np.zeros(0, np.int32)
        self._end = self._held = 0

    def of(self, row: int) -> list[int]:
        """The numbers of a row, in their order."""
        if row >= len(self.start):
            return []
        begin = self.start.item(row)
        its: list[int] = self.numbers[begin : begin + self.count.item(row)].tolist()
        return its

    def put(self, row: int, numbers: Sequence[int]) -> None:
        """A row has these from now on, and no others."""
        if row >= len(self.start):
            room = room_for(row + 1)
            self.start, self.count = longer(self.start, room), longer(self.count, room)
        size, before = len(numbers), self.count.item(row)
        self._held += size - before
        if size > before:
            self._append(row, size)
        self.count[row] = size
        begin = self.start.item(row)
        self.numbers[begin : begin + size] = numbers

    def _append(self, row: int, size: int) -> None:
        """Room for so many numbers behind all others."""
        if self._end - self._held > HOLES + self._held // 2:
            self._close_holes(row)
        if self._end + size > len(self.numbers):
            self.numbers = longer(self.numbers, room_for(self._end + size))
        self.start[row], self._end = self._end, self._end + size

    def _close_holes(self, row: int) -> None:
        """All lists side by side again, without the one of `row`, which is given another place."""
        self.count[row] = 0
        ends = np.cumsum(self.count, dtype=np.int64)
        begins = ends - self.count
        held = int(ends[-1])
        at = np.arange(held) + np.repeat(self.start - begins, self.count)
        kept = np.zeros(room_for(held), np.int32)
        kept[:held] = self.numbers[at]
        self.numbers, self.start, self._end = kept, begins, held
