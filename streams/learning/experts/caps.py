"""How much one user, and one item, may teach in an hour.

The hour is that of the lessons: the highest that came so far. Counts are kept in two tables by different
hashes, of which the lower one holds: somebody may share a count by chance, and seldom both.
"""

from __future__ import annotations

from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from streams.learning.kept_slates import NEVER

U16 = NDArray[np.uint16]
BUCKETS = 4_096
HOUR_MS = 3_600_000
MOST = 65_535
FIRST, SECOND = 0x9E3779B1, 0x85EBCA77
"""Odd factors of the two hashes."""


class Caps:
    """`per_user`: lessons; `per_item`: choices of it; both in an hour."""

    def __init__(self, per_user: int, per_item: int) -> None:
        self.per_user, self.per_item = per_user, per_item
        self.users: U16 = np.zeros((2, BUCKETS), np.uint16)
        self.items: U16 = np.zeros((2, BUCKETS), np.uint16)
        self.hour: NDArray[np.int64] = np.zeros(1, np.int64)

    def begin(self, ts_ms: int) -> None:
        """A lesson of this time comes; `NEVER`: at the time of the one before."""
        hour = ts_ms // HOUR_MS
        if ts_ms != NEVER and hour > self.hour[0]:
            self.hour[0] = hour
            self.users[:] = 0
            self.items[:] = 0

    def takes(self, user: str) -> bool:
        """Whether the user may teach one more lesson; it is counted."""
        name = user.encode()
        first, second = crc32(name) % BUCKETS, crc32(name, 1) % BUCKETS
        counts = int(self.users[0, first]), int(self.users[1, second])
        if min(counts) >= self.per_user:
            return False
        self.users[0, first] = min(counts[0] + 1, MOST)
        self.users[1, second] = min(counts[1] + 1, MOST)
        return True


@compiled
def leave_out_worn(rows: NDArray[np.int32], items: U16, most: int, known: NDArray[np.bool_]) -> int:
    """Take those out of `known` [n] whose items were chosen as often as they may; how many there were."""
    worn = 0
    for i in range(len(rows)):
        if known[i]:
            first, second = _bucket(rows[i], FIRST), _bucket(rows[i], SECOND)
            if min(items[0, first], items[1, second]) >= most:
                known[i] = False
                worn += 1
    return worn


@compiled
def count_chosen(rows: NDArray[np.int32], places: NDArray[np.int64], items: U16) -> None:
    """Count a choice of the items at `places`."""
    for c in range(len(places)):
        row = rows[places[c]]
        first, second = _bucket(row, FIRST), _bucket(row, SECOND)
        items[0, first] = min(int(items[0, first]) + 1, MOST)
        items[1, second] = min(int(items[1, second]) + 1, MOST)


@compiled
def _bucket(row: int, factor: int) -> int:
    """Where an item is counted; row + 1 times factor is within 63 bits."""
    return int((((np.int64(row) + 1) * np.int64(factor)) >> 15) % BUCKETS)
