"""What the pair counts say of every item, given users' histories: for sources and features alike.

One pass over the rows of a history's items adds up, for every item they have met:

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

import math

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled, compiled_side_by_side
from model.schema import F32
from streams.counters.pair_kinds import CLOSE as CLOSE_COUNT
from streams.counters.pair_kinds import FORWARD, FRESH, REVERSE, TOGETHER
from streams.counters.pairs import PairTable, check_known
from streams.signals.histories import Histories
from streams.signals.signal_table import BatchSignals

FOLLOWS, FOLLOWS_SHARE, FOLLOWS_LAST, PRECEDES, FOLLOWS_FRESH, CLOSE, TOGETHER_ALL, TOGETHER_LIKED = range(8)
CLOSE_OFF, SHARE_OFF = 8, 9
SIGNALS = 10
FADE = 0.85


@compiled
def cosine(close: np.float32, total: np.float32) -> np.float32:
    """CLOSE of an item over the root of its total: how often it was met."""
    return np.float32(close / np.sqrt(max(total, np.float32(1.0))))


def read_pairs(
    signals: BatchSignals,
    pairs: PairTable,
    totals: F32,
    histories: Histories,
    chosen: NDArray[np.int64],
    longest: NDArray[np.int64],
    ages: F32,
    places: NDArray[np.int32],
) -> None:
    """Add what the pairs say of the users `chosen` to `signals`. totals: how often each item was met.

    longest [B]: of each history so many items are read. ages [B]: see `PairTable.age`, of fresh counts.
    places: a scratch table over all rows, all -1 before and after.
    """
    table, done = signals.table, 0
    while True:
        done = _read(
            pairs.start, pairs.length[: pairs.known], pairs.neighbour, pairs.count, pairs.outgoing, totals,
            pairs.settings.window, histories.offsets, histories.items, histories.liking, histories.off,
            histories.tied, longest, ages, chosen, done,
            places, table.rows, table.values, signals.begin, signals.end, table.used,
        )  # fmt: skip
        if done == len(chosen):
            signals.left -= len(chosen)
            return
        if done < 0:
            check_known(histories.items, pairs.known)
        b = chosen[done]
        its_items = histories.items[histories.part(b)][: longest[b]]
        table.make_room(min(int(pairs.length[its_items].sum()), len(places)))


@compiled_side_by_side
def _read(
    start: NDArray[np.int64],
    length: NDArray[np.int32],
    neighbour: NDArray[np.int32],
    count: F32,
    outgoing: F32,
    totals: F32,
    window: int,
    offsets: NDArray[np.int64],
    items: NDArray[np.int32],
    liking: F32,
    off: F32,
    tied: NDArray[np.int64],
    longest: NDArray[np.int64],
    ages: F32,
    chosen: NDArray[np.int64],
    done: int,
    places: NDArray[np.int32],
    rows: NDArray[np.int32],
    values: F32,
    begin: NDArray[np.int64],
    end: NDArray[np.int64],
    used: NDArray[np.int64],
) -> int:
    """Add up the pairs of the users from `chosen[done]` on; up to which one there was room, -1 where a row is
    not known.
    """
    for at in range(done, len(chosen)):
        b = chosen[at]
        first = offsets[b]
        last = min(offsets[b + 1], first + longest[b])
        most = 0
        for p in range(first, last):
            if items[p] >= len(length):
                return -1
            most += length[items[p]]
        if used[0] + min(most, len(places)) > len(rows):
            return at
        begin[b] = n = used[0]
        fade = np.float32(1.0)
        for p in range(first, last):
            place, item, faded = p - first, items[p], fade
            fade *= np.float32(FADE)
            if start[item] < 0:
                continue
            root = np.float32(1.0 / np.sqrt(max(totals[item], np.float32(1.0))))
            near, near_off = faded * root, off[p] * faded * root
            liked = np.float32(0.0) if math.isnan(liking[p]) else liking[p] * root
            neighbours = neighbour[start[item] : start[item] + length[item]]
            counts = count[start[item] : start[item] + length[item]]
            for k in range(len(neighbours)):
                row = np.uint32(neighbours[k])
                found = places[row]
                if found < 0:
                    found = places[row] = n
                    rows[n] = row
                    values[n] = np.float32(0.0)
                    n += 1
                its = np.uint32(found)
                close, together = counts[k, CLOSE_COUNT], counts[k, TOGETHER]
                # Read first, then written: else the compiler takes each sum for one that the next one reads.
                close_sum, off_sum = values[its, CLOSE], values[its, CLOSE_OFF]
                all_sum, liked_sum = values[its, TOGETHER_ALL], values[its, TOGETHER_LIKED]
                values[its, CLOSE] = close_sum + close * near
                values[its, TOGETHER_ALL] = all_sum + together * root
                values[its, TOGETHER_LIKED] = liked_sum + together * liked
                values[its, CLOSE_OFF] = off_sum + close * near_off
            if place >= window:
                continue
            share = np.float32(1.0 / max(outgoing[item], np.float32(1.0)))
            recency = np.float32(1.0 / np.sqrt(1.0 + place))
            share_off = np.float32(0.0)
            if off[p] != 0.0:
                of_all = max(outgoing[item], np.float32(1.0)) * np.sqrt(1.0 + place)
                share_off = off[p] * np.float32(1.0 / of_all)
            share_last = share if place < max(tied[b], 1) else np.float32(0.0)
            for k in range(len(neighbours)):
                its = np.uint32(places[np.uint32(neighbours[k])])
                forward, reverse, fresh = counts[k, FORWARD], counts[k, REVERSE], counts[k, FRESH]
                follows = forward * recency
                follows_sum, share_sum = values[its, FOLLOWS], values[its, FOLLOWS_SHARE]
                last_sum, precedes_sum = values[its, FOLLOWS_LAST], values[its, PRECEDES]
                fresh_sum, off_sum = values[its, FOLLOWS_FRESH], values[its, SHARE_OFF]
                values[its, FOLLOWS] = follows_sum + follows
                values[its, FOLLOWS_SHARE] = share_sum + follows * share
                values[its, FOLLOWS_LAST] = last_sum + forward * share_last
                values[its, PRECEDES] = precedes_sum + reverse * recency * root
                values[its, FOLLOWS_FRESH] = fresh_sum + fresh * recency * ages[b]
                values[its, SHARE_OFF] = off_sum + forward * share_off
        for k in range(begin[b], n):
            places[rows[k]] = -1
        end[b] = used[0] = n
    return len(chosen)
