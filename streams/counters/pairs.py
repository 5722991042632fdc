"""Item pairs, counted as they happen: what follows what, and what goes together.

For each item a row of neighbours, each with the counts of `pair_kinds`.

Rows live in one pool of blocks whose sizes are powers of two; a row that outgrows its block moves to a
larger one, and the old block is used again. A full row, or a full pool, replaces the row's weakest pair, so
memory is bounded whatever comes in. The pool has its final size from the beginning: it takes memory only as
blocks are taken (streams/state/columns.py), and no batch waits for a copy of it.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from model.errors import SettingsError, StoreError
from model.schema import F32
from streams.counters.pair_kinds import CLOSE, FORWARD, FRESH, KINDS, REVERSE, TOGETHER
from streams.counters.settings import CounterSettings
from streams.counters.weakest import Weakest, forget_weakest, weakest_of
from streams.state.columns import longer, room_for

SMALLEST_BLOCK = 8
SCAN_FAR, SCAN = 64, 16  # neighbours compared at once: more where many are left
REBASE_AT = 40.0  # exponent of the decay at which FRESH is scaled back, well inside float32


class PairTable:
    """The counts of all item pairs. Rows are global item rows; the first `known` are there."""

    def __init__(self, settings: CounterSettings) -> None:
        """Raises `SettingsError` where the system can't promise the memory of `max_pairs`."""
        self.settings = settings
        self.rate_per_ms = math.log(2.0) / (settings.pair_half_life_s * 1_000.0)
        self.landmark_ms = -1
        self.start = np.full(0, -1, np.int64)
        self.length = np.zeros(0, np.int32)
        self.room = np.zeros(0, np.int32)
        self.outgoing = np.zeros(0, np.float32)
        self.neighbour, self.count = _pool(settings.max_pairs)
        self.free = np.full(32, -1, np.int64)
        self.used = np.zeros(1, np.int64)
        self._weakest = Weakest.of(0)
        self._known = 0

    @property
    def known(self) -> int:
        """How many item rows there are; the columns have room behind them."""
        return self._known

    def grow(self, items: int) -> None:
        """Make room for `items` rows."""
        if items <= self._known:
            return
        if items > len(self.start):
            room = room_for(items)
            self.start, self.length, self.room, self.outgoing = (
                longer(self.start, room), longer(self.length, room), longer(self.room, room),
                longer(self.outgoing, room),
            )  # fmt: skip
            self._weakest = self._weakest.longer(room)
        self.start[self._known : items] = -1
        self._known = items

    def restored(self, rows: int) -> None:
        """Other columns were put in place; they are of so many rows."""
        self._known = rows
        self._weakest = Weakest.of(len(self.start))

    def observe(self, row: int, previous: NDArray[np.int32], tied: int, ts: int, weight: float) -> None:
        """Count `row` as following `previous` (newest first), of which the first `tied` share its time."""
        self._observe(row, previous, tied, 1.0, ts, weight)

    def precede(self, row: int, following: NDArray[np.int32], ts: int, weight: float) -> None:
        """Count `row`, which came late, as what `following` (oldest first) came after."""
        self._observe(row, following, 0, 0.0, ts, weight)

    def _observe(
        self, row: int, others: NDArray[np.int32], tied: int, after: float, ts: int, weight: float
    ) -> None:
        if not len(others) or weight <= 0.0:
            return
        # A copy, since memory that is read-only or reversed would have the loop compiled once more for it.
        others = others.copy()
        counted = observe_pairs(
            self.start, self.length, self.room, self.outgoing,
            self.neighbour, self.count, self.free, self.used, self._weakest.level, self._weakest.cursor,
            row, others, tied, after, weight, weight * self._decay(ts),
            self.settings.window, self.settings.row_pairs, self._known,
        )  # fmt: skip
        if not counted:
            check_known(others, self._known)

    def _decay(self, ts: int) -> float:
        """The forward-decay weight of an event at `ts`; scales the old counts back when it would overflow."""
        if self.landmark_ms < 0:
            self.landmark_ms = ts
        exponent = (ts - self.landmark_ms) * self.rate_per_ms
        if exponent > REBASE_AT:
            self.count[: self.used[0], FRESH] *= np.float32(math.exp(-min(exponent, 80.0)))
            self.landmark_ms = ts
            return 1.0
        return math.exp(max(exponent, -REBASE_AT))

    def age(self, now_ms: int) -> float:
        """What FRESH counts are multiplied by to be as of `now_ms`."""
        if self.landmark_ms < 0:
            return 1.0
        return math.exp(min(max(-(now_ms - self.landmark_ms) * self.rate_per_ms, -80.0), REBASE_AT))


def _pool(pairs: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    try:
        return np.zeros(pairs, np.int32), np.zeros((pairs, KINDS), np.float32)
    except MemoryError:
        raise SettingsError(
            f"counters.max_pairs is {pairs}: the system does not promise the {24 * pairs >> 20} MiB that so"
            " many pairs may take; set fewer"
        ) from None


def check_known(rows: NDArray[np.int32], items: int) -> None:
    """Raise `StoreError` for a row that is not known yet: compiled code does not check its bounds."""
    newest = int(rows.max()) if len(rows) else -1
    if newest >= items:
        raise StoreError(
            f"a user's history holds item row {newest}, but only {items} are known: meet the rest"
        )


@compiled
def _block_class(room: int) -> int:
    size = 0
    block = SMALLEST_BLOCK
    while block < room:
        block *= 2
        size += 1
    return size


@compiled
def _take_block(
    neighbour: NDArray[np.int32], free: NDArray[np.int64], used: NDArray[np.int64], room: int
) -> int:
    """The start of a free block of `room` pairs, or -1. A free block's first neighbour links to the next."""
    size = _block_class(room)
    head = free[size]
    if head >= 0:
        free[size] = neighbour[head]
        return int(head)
    if used[0] + room > len(neighbour):
        return -1
    begin = used[0]
    used[0] += room
    return int(begin)


@compiled
def find_pair(neighbour: NDArray[np.int32], begin: int, end: int, other: int) -> int:
    """Where `other` stands from `begin` to `end`, or -1.

    In steps without a branch inside, on numbers of the table's own width: the compiler makes a few wide
    comparisons of each. It takes less than a quarter of the time of the plain loop.
    """
    wanted, at = np.int32(other), begin
    while at + SCAN_FAR <= end:
        hit = np.int32(0)
        for k in range(SCAN_FAR):
            hit |= np.int32(neighbour[np.uint64(at + k)] == wanted)
        if hit:
            break
        at += SCAN_FAR
    while at + SCAN <= end:
        hit = np.int32(0)
        for k in range(SCAN):
            hit |= np.int32(neighbour[np.uint64(at + k)] == wanted)
        if hit:
            break
        at += SCAN
    while at < end:
        if neighbour[at] == wanted:
            return at
        at += 1
    return -1


@compiled
def _slot(
    start: NDArray[np.int64],
    length: NDArray[np.int32],
    room: NDArray[np.int32],
    neighbour: NDArray[np.int32],
    count: NDArray[np.float32],
    free: NDArray[np.int64],
    used: NDArray[np.int64],
    weakest: Weakest,
    item: int,
    other: int,
    row_pairs: int,
) -> int:
    """Where the pair (item, other) is counted; made if it is new. -1 only where no block could be had."""
    begin, n = start[item], length[item]
    at = find_pair(neighbour, begin, begin + n, other)
    if at >= 0:
        return at
    if n == room[item] and room[item] < row_pairs:
        wider = min(max(SMALLEST_BLOCK, room[item] * 2), row_pairs)
        block = _take_block(neighbour, free, used, wider)
        if block >= 0:
            for k in range(n):
                neighbour[block + k] = neighbour[begin + k]
                for kind in range(KINDS):
                    count[block + k, kind] = count[begin + k, kind]
            if room[item] > 0:
                size = _block_class(room[item])
                neighbour[begin] = free[size]
                free[size] = begin
            start[item], room[item] = block, wider
            begin = block
    if n < room[item]:
        at = begin + n
        length[item] += 1
        forget_weakest(weakest, item)
    else:
        if n == 0:
            return -1
        at = weakest_of(weakest, item, count, begin, n)
    neighbour[at] = other
    for kind in range(KINDS):
        count[at, kind] = 0.0
    return int(at)


@compiled
def observe_pairs(
    start: NDArray[np.int64],
    length: NDArray[np.int32],
    room: NDArray[np.int32],
    outgoing: NDArray[np.float32],
    neighbour: NDArray[np.int32],
    count: NDArray[np.float32],
    free: NDArray[np.int64],
    used: NDArray[np.int64],
    level: F32,
    cursor: NDArray[np.int32],
    row: int,
    others: NDArray[np.int32],
    tied: int,
    after: float,
    weight: float,
    fresh_weight: float,
    window: int,
    row_pairs: int,
    known: int,
) -> bool:
    """Add one event to the pairs of `row` with each of `others`, the nearest first. False, and nothing is
    done, where one of these is none of the `known` rows.

    `after`: 1 where `row` came after them, 0 where they came after it.

    Inside a tie the order is unknown, so half of the weight goes each way: two events of one tie can't teach
    each other their order.
    """
    for p in range(len(others)):
        if others[p] >= known:
            return False
    weakest = Weakest(level, cursor)
    for p in range(len(others)):
        item = others[p]
        if item == row:
            continue
        there = _slot(start, length, room, neighbour, count, free, used, weakest, item, row, row_pairs)
        back = _slot(start, length, room, neighbour, count, free, used, weakest, row, item, row_pairs)
        close = weight / math.sqrt(1.0 + max(p - tied, 0))
        if p < window:
            forward = 0.5 if p < tied else after
            outgoing[item] += weight * forward
            if there >= 0:
                count[there, FORWARD] += weight * forward
                count[there, REVERSE] += weight * (1.0 - forward)
                count[there, FRESH] += fresh_weight * forward
            if back >= 0:
                count[back, REVERSE] += weight * forward
                count[back, FORWARD] += weight * (1.0 - forward)
                count[back, FRESH] += fresh_weight * (1.0 - forward)
            outgoing[row] += weight * (1.0 - forward)
        if there >= 0:
            count[there, TOGETHER] += weight
            count[there, CLOSE] += close
        if back >= 0:
            count[back, TOGETHER] += weight
            count[back, CLOSE] += close
    return True
