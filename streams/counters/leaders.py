"""The rows with the highest counts, in order; the order stays right while the counts grow.

A count only grows (its decay is forward: `streams.counters.popularity`), so a row whose count grows only
moves up. A row that it pushes off the end comes back only when its own count grows. So the first `SIZE` rows
are always exactly those that a sort of all rows gives, for the price of two binary searches a count.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled

SIZE = 4_096


class Leaders:
    """For each column of counts its rows that have a count, the highest first, ties by the lower row."""

    def __init__(self, columns: int) -> None:
        self._order = np.empty((columns, SIZE), np.int32)
        self._length = np.zeros(columns, np.int64)

    def rows(self, column: int) -> NDArray[np.int32]:
        """The current order, int32 [n <= SIZE]; a view, which changes with the next count."""
        return self._order[column, : self._length[column]]

    def add(self, counts: NDArray[np.float64], row: int, more: NDArray[np.float64]) -> None:
        """Add `more` [columns], none below 0, to the counts [n, columns] of `row`."""
        add_and_move(self._order, self._length, counts, row, more)

    def sort(self, counts: NDArray[np.float64]) -> None:
        """Begin anew with `counts`."""
        for column, order in enumerate(self._order):
            of_row = counts[:, column]
            rows = np.flatnonzero(of_row > 0.0)
            if len(rows) > SIZE:
                # These are all rows that reach the count of the last place: the sort decides which come in.
                edge = np.partition(of_row[rows], len(rows) - SIZE)[len(rows) - SIZE]
                rows = rows[of_row[rows] >= edge]
            rows = rows[np.lexsort((rows, -of_row[rows]))][:SIZE]
            order[: len(rows)] = rows
            self._length[column] = len(rows)


@compiled
def add_and_move(
    order: NDArray[np.int32],
    length: NDArray[np.int64],
    counts: NDArray[np.float64],
    row: int,
    more: NDArray[np.float64],
) -> None:
    """Add to the counts of `row`, and move it to its new place in each column's order."""
    for column in range(len(more)):
        before, n = counts[row, column], length[column]
        after = before + more[column]
        counts[row, column] = after
        if after <= before:
            continue
        old = _place(order[column], n, counts, column, row, before)
        if old == n or order[column, old] != row:
            # The row is new here; if there is no room, the last row leaves.
            if n < order.shape[1]:
                length[column] = n + 1
                old = n
            else:
                old = n - 1
                last = order[column, old]
                if not _precedes(after, row, counts[last, column], last):
                    continue
        new = _place(order[column], old, counts, column, row, after)
        for at in range(old, new, -1):
            order[column, at] = order[column, at - 1]
        order[column, new] = row


@compiled
def _precedes(count: float, row: int, other_count: float, other: int) -> bool:
    return count > other_count or (count == other_count and row < other)


@compiled
def _place(
    order: NDArray[np.int32], length: int, counts: NDArray[np.float64], column: int, row: int, count: float
) -> int:
    """The first of `length` places that `row` with `count` does not come after; the row's own place if
    `count` was its count.
    """
    low, high = 0, length
    while low < high:
        middle = (low + high) // 2
        other = order[middle]
        if other == row:
            return middle
        if _precedes(count, row, counts[other, column], other):
            high = middle
        else:
            low = middle + 1
    return low
