"""The signals of a batch of users: for each user the rows that have any, and what they are, end to end."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from model.features import SignalsOf
from streams.signals.readings import Readings

KEPT_ROWS = 1 << 19
"""Room beyond this (23 MB for ten signals) is given back after the batch that needed it."""
NOBODY = np.empty(0, np.int64)


class SignalTable:
    """The memory that batches use one after another: rows int32 [room] and values float32 [room, signals];
    used int64 [1]: how much of the room is taken.
    """

    def __init__(self, signals: int) -> None:
        self.rows, self.values = np.empty(0, np.int32), np.empty((0, signals), np.float32)
        self.used = np.zeros(1, np.int64)

    def clear(self) -> None:
        """Forget the last batch."""
        self.used[0] = 0
        if len(self.rows) > KEPT_ROWS:
            self.rows, self.values = self.rows[:0].copy(), self.values[:0].copy()

    def make_room(self, most: int) -> None:
        """For a user who has signals of `most` rows at most, and for others."""
        used, room = int(self.used[0]), len(self.rows)
        size = max(used + most, room + room // 2, 4_096)
        rows, values = np.empty(size, np.int32), np.empty((size, self.values.shape[1]), np.float32)
        rows[:used], values[:used] = self.rows[:used], self.values[:used]
        self.rows, self.values = rows, values


class BatchSignals:
    """Those of user b are `table.rows[begin[b]:end[b]]`, each row once, and the values beside them; `begin`
    is -1 where nothing was read yet. Rows that are not there have zeros. `left`: how many users are unread.
    """

    def __init__(self, table: SignalTable, users: int) -> None:
        self.table, self.left = table, users
        bounds = np.empty((2, users), np.int64)
        bounds.fill(-1)  # `np.full` takes five times as long for so few numbers
        self.begin, self.end = bounds

    @property
    def parts(self) -> SignalsOf:
        """The arrays, as compiled code takes them."""
        return SignalsOf(self.table.rows, self.table.values, self.begin, self.end)

    def unread(self, users: NDArray[np.int64]) -> NDArray[np.int64]:
        """Those of `users` of whom nothing was read yet."""
        return users[self.begin[users] < 0] if self.left else NOBODY

    def of(self, b: int) -> Readings:
        """Those of one user, in arrays of their own."""
        part = slice(self.begin[b], self.end[b])
        return Readings(self.table.rows[part].copy(), self.table.values[part].copy())

    def keep(self, users: Sequence[int]) -> BatchSignals:
        """Those of these users, in this order."""
        kept = BatchSignals(self.table, 0)
        kept.begin, kept.end = self.begin[list(users)], self.end[list(users)]
        kept.left = len(users) if self.left else 0
        return kept
