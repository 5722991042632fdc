"""What the pair counts say of every item, given one user's history: for sources and features alike.

One pass over the rows of the history's items adds up, for every item they have met:

    FOLLOWS       how often it came after the last `window` items
    FOLLOWS_SHARE the same, each item's part divided by all that ever followed it
    FOLLOWS_LAST  the share, from the newest item (or its whole tie) alone
    PRECEDES      how often it came before them
    FOLLOWS_FRESH lately, how often it came after them
    CLOSE         how often, and how closely, users met it together with the history's items, over the root of
                  those items' counts; each item's part shrinks by `FADE` with every newer one
    TOGETHER_ALL  how often they met it together with them, the whole history alike
    TOGETHER_LIKED the same, each item weighted by how far its rating lies above the user's mean

What the user says of the items of the history (`off`) is kept apart, so that these mean the same with and
without it:

    CLOSE_OFF     what is to be taken off CLOSE where an item was not liked: `off` times its part
    SHARE_OFF     the same for FOLLOWS_SHARE
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from streams.counters.pairs import CLOSE as CLOSE_COUNT
from streams.counters.pairs import FORWARD, FRESH, REVERSE, TOGETHER, PairTable, check_known
from streams.signals.readings import Readings

FOLLOWS, FOLLOWS_SHARE, FOLLOWS_LAST, PRECEDES, FOLLOWS_FRESH, CLOSE, TOGETHER_ALL, TOGETHER_LIKED = range(8)
CLOSE_OFF, SHARE_OFF = 8, 9
SIGNALS = 10
FADE = 0.85


class Signals:
    """A reusable scratch table, `values[n, SIGNALS]`, and the rows in it that are not zero, `touched`."""

    def __init__(self) -> None:
        self.values = np.zeros((0, SIGNALS), np.float32)
        self.seen = np.zeros(0, np.uint8)
        self._rows = np.zeros(0, np.int32)
        self.touched = self._rows

    def grow(self, items: int) -> None:
        """Make room for `items` rows."""
        if items > len(self.seen):
            items = max(items, len(self.seen) * 3 // 2)
            self.values = np.zeros((items, SIGNALS), np.float32)
            self.seen = np.zeros(items, np.uint8)
            self._rows = np.zeros(items, np.int32)

    def read(
        self,
        pairs: PairTable,
        totals: NDArray[np.float32],
        history: NDArray[np.int32],
        liking: NDArray[np.float32],
        tied: int,
        now_ms: int,
        off: NDArray[np.float32] | None = None,
    ) -> None:
        """Fill the table for `history` (newest first; its first `tied` items share one time). `off`: how much
        of each item's part is to be taken off again; None: nothing.
        """
        check_known(history, len(pairs.start))
        clear(self.values, self.seen, self.touched)
        n = read_pairs(
            pairs.start, pairs.length, pairs.neighbour, pairs.count, pairs.outgoing, totals,
            history, liking, tied, pairs.settings.window, np.float32(pairs.age(now_ms)),
            self.values, self.seen, self._rows,
        )  # fmt: skip
        if off is not None:
            take_off(
                pairs.start, pairs.length, pairs.neighbour, pairs.count, pairs.outgoing, totals,
                history, off, pairs.settings.window, self.values,
            )  # fmt: skip
        self.touched = self._rows[:n]

    def kept(self) -> Readings:
        """What was read, in arrays of its own."""
        rows = self.touched.copy()
        return Readings(rows, self.values.take(rows, axis=0))


@compiled
def clear(values: NDArray[np.float32], seen: NDArray[np.uint8], touched: NDArray[np.int32]) -> None:
    """Forget the last user."""
    for k in range(len(touched)):
        row = touched[k]
        seen[row] = 0
        for signal in range(SIGNALS):
            values[row, signal] = 0.0


@compiled
def read_pairs(
    start: NDArray[np.int64],
    length: NDArray[np.int32],
    neighbour: NDArray[np.int32],
    count: NDArray[np.float32],
    outgoing: NDArray[np.float32],
    totals: NDArray[np.float32],
    history: NDArray[np.int32],
    liking: NDArray[np.float32],
    tied: int,
    window: int,
    age: np.float32,
    values: NDArray[np.float32],
    seen: NDArray[np.uint8],
    touched: NDArray[np.int32],
) -> int:
    """Add up the rows of `history`; returns how many rows were touched."""
    n = 0
    fade = np.float32(1.0)
    for p in range(len(history)):
        item = history[p]
        begin = start[item]
        faded = fade
        fade *= np.float32(FADE)
        if begin < 0:
            continue
        end = begin + length[item]
        root = np.float32(1.0 / np.sqrt(max(totals[item], np.float32(1.0))))
        liked = liking[p] * root
        near = faded * root
        for at in range(begin, end):
            row = np.uint32(neighbour[at])
            if seen[row] == 0:
                seen[row] = 1
                touched[n] = row
                n += 1
            values[row, CLOSE] += count[at, CLOSE_COUNT] * near
            values[row, TOGETHER_ALL] += count[at, TOGETHER] * root
            values[row, TOGETHER_LIKED] += count[at, TOGETHER] * liked
        if p >= window:
            continue
        share = np.float32(1.0 / max(outgoing[item], np.float32(1.0)))
        recency = np.float32(1.0 / np.sqrt(1.0 + p))
        is_last = p < max(tied, 1)
        for at in range(begin, end):
            row = np.uint32(neighbour[at])
            forward = count[at, FORWARD] * recency
            values[row, FOLLOWS] += forward
            values[row, FOLLOWS_SHARE] += forward * share
            values[row, PRECEDES] += count[at, REVERSE] * recency * root
            values[row, FOLLOWS_FRESH] += count[at, FRESH] * recency * age
            if is_last:
                values[row, FOLLOWS_LAST] += count[at, FORWARD] * share
    return n


@compiled
def take_off(
    start: NDArray[np.int64],
    length: NDArray[np.int32],
    neighbour: NDArray[np.int32],
    count: NDArray[np.float32],
    outgoing: NDArray[np.float32],
    totals: NDArray[np.float32],
    history: NDArray[np.int32],
    off: NDArray[np.float32],
    window: int,
    values: NDArray[np.float32],
) -> None:
    """Add up CLOSE_OFF and SHARE_OFF of rows that `read_pairs` has touched."""
    fade = np.float32(1.0)
    for p in range(len(history)):
        item = history[p]
        near = off[p] * fade * np.float32(1.0 / np.sqrt(max(totals[item], np.float32(1.0))))
        fade *= np.float32(FADE)
        begin = start[item]
        if off[p] == 0.0 or begin < 0:
            continue
        share = np.float32(0.0)
        if p < window:
            share = off[p] * np.float32(1.0 / (max(outgoing[item], np.float32(1.0)) * np.sqrt(1.0 + p)))
        for at in range(begin, begin + length[item]):
            row = np.uint32(neighbour[at])
            values[row, CLOSE_OFF] += count[at, CLOSE_COUNT] * near
            values[row, SHARE_OFF] += count[at, FORWARD] * share
