"""How much one user, and one item, may teach.

A user may teach some times as much in an hour as a busy user did in the hour before, the one at `BUSY` of all
who taught: fewer hostile users than there are busier ones can't move that. Who has taught so much waits until
more is due (a token bucket). Among few users, only `per_user` holds.

An item that was chosen much more often than the typical one is left out of slates until the hour is over: as
neither chosen nor passed over, so that what it would have drawn does not speak against it.

The time is that of the lessons: the highest that came so far. What is known of users and items lies in two
tables by different hashes, of which the more generous one holds: somebody may share a place by chance, and
seldom both.
"""

from __future__ import annotations

from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from model.schema import F32
from streams.learning.kept_slates import NEVER

U16 = NDArray[np.uint16]
BUCKETS = 16_384
HOUR_MS = 3_600_000
LATEST_MS = 1_000 * (2**32 - 1)
EVERY = 64
"""Lessons after which it is seen again what is usual."""
BUSY = 0.75
USUAL_MIN = 20
"""Among fewer users, or items, nothing is usual."""
ITEM_MIN, ITEM_TIMES = 20, 10
"""Choices of an item that are taken in an hour in any case, and so many times the typical item's."""
MOST = 65_535
FIRST, SECOND = 0x9E3779B1, 0x85EBCA77
"""Odd factors of the two hashes."""


class Caps:
    """`per_user`: lessons of a user in an hour at most, and `times_busy` as many as a busy user's;
    `per_item`: choices of an item in an hour.
    """

    def __init__(self, per_user: int, per_item: int, times_busy: float) -> None:
        self.per_user, self.per_item, self.times_busy = per_user, per_item, times_busy
        self.taught: U16 = np.zeros((2, BUCKETS), np.uint16)
        """Lessons of users in this hour, taken or not."""
        self.spent: F32 = np.zeros((2, BUCKETS), np.float32)
        """Of what users may teach, how much they had spent when they taught last, and when (s)."""
        self.last: NDArray[np.uint32] = np.zeros((2, BUCKETS), np.uint32)
        self.items: U16 = np.zeros((2, BUCKETS), np.uint16)
        self.clock: NDArray[np.int64] = np.zeros(3, np.int64)
        """The time in ms, the lessons in this hour, and those of a busy user in the hour before, or 0."""
        self.limit: NDArray[np.float64] = np.array([per_user, per_item], np.float64)
        """So many lessons of a user, and choices of an item, are taken in an hour."""

    def begin(self, ts_ms: int) -> None:
        """A lesson of this time comes; `NEVER`: at the time of the one before."""
        now = int(self.clock[0])
        ts_ms = min(ts_ms, LATEST_MS)
        if ts_ms == NEVER or ts_ms <= now:
            return
        self.clock[0] = ts_ms
        if ts_ms // HOUR_MS > now // HOUR_MS:
            self.clock[1:] = 0, _usual(self.taught[0], BUSY)
            self.taught[:] = 0
            self.items[:] = 0
            self._set_limit()

    def takes(self, user: str) -> bool:
        """Whether the user may teach one more lesson, which then counts."""
        now_s, lessons = int(self.clock[0]) // 1_000, int(self.clock[1])
        if lessons % EVERY == EVERY - 1:
            self._set_limit()
        self.clock[1] = lessons + 1
        name = user.encode()
        first, second = crc32(name) % BUCKETS, crc32(name, 1) % BUCKETS
        return take_token(first, second, now_s, float(self.limit[0]), self.taught, self.spent, self.last)

    def _set_limit(self) -> None:
        """So much a user may teach from here on."""
        busy = int(self.clock[2]) or _usual(self.taught[0], BUSY)
        self.limit[0] = min(self.times_busy * busy, self.per_user) if busy else self.per_user
        chosen = ITEM_TIMES * _usual(self.items[0], 0.5)
        self.limit[1] = min(max(ITEM_MIN, chosen), self.per_item) if chosen else self.per_item


def _usual(counts: U16, share: float) -> int:
    """The count that `share` of those that count at all are not above; 0 where they are too few."""
    counted = counts[counts > 0]
    return int(np.quantile(counted, share, method="lower")) if len(counted) >= USUAL_MIN else 0


@compiled
def take_token(
    first: int, second: int, now_s: int, hourly: float, taught: U16, spent: F32, last: NDArray[np.uint32]
) -> bool:
    """Whether a user who has these places in the tables [2, BUCKETS] may teach one more lesson; it counts."""
    taken = False
    for table in range(2):
        at = second if table else first
        taught[table, at] = min(int(taught[table, at]) + 1, MOST)
        due = (now_s - int(last[table, at])) * hourly / 3_600
        left = max(0.0, float(spent[table, at]) - due)
        if left + 1.0 <= hourly:
            taken, left = True, left + 1.0
        spent[table, at] = left
        last[table, at] = now_s
    return taken


@compiled
def leave_out_worn(rows: NDArray[np.int32], items: U16, most: float, known: NDArray[np.bool_]) -> int:
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
