"""The lowest of many keys, in order, as compiled code that stages and indexes share.

A key is one number for a score and a row: no two are equal, so there is one right answer, and no tie that a
method could break its own way.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled

BINS = 1_024
FEW = 24  # keys that are sorted fastest by insertion
LOW = np.uint64(0xFFFF_FFFF)  # the half of a key that is the row
HALF = np.uint64(32)
SIGN = np.uint32(0x8000_0000)


@compiled
def key(score: np.float32, row: np.int32) -> np.uint64:
    """Smaller for a better score, then for the lower row. The score is a number; -0 is worse than 0.

    The bits of floats that are not negative are ordered as they are, those of the others the other way round.
    The highest bit of a key is set only where the score is negative.
    """
    bits = np.float32(score).view(np.uint32)
    rising = ~bits if bits & SIGN else bits | SIGN
    return ((LOW - np.uint64(rising)) << HALF) | np.uint64(row)


@compiled
def score_of(key: np.uint64) -> np.float32:
    """The score in a key."""
    rising = np.uint32(LOW - (key >> HALF))
    return np.uint32(rising & ~SIGN if rising & SIGN else ~rising).view(np.float32)


@compiled
def row_of(key: np.uint64) -> np.int32:
    """The row in a key."""
    return np.int32(key & LOW)


@compiled
def lowest_first(
    keys: NDArray[np.uint64], count: int, spare: NDArray[np.uint64], bins: NDArray[np.int64]
) -> int:
    """Bring the `count` lowest of `keys` to their front, ascending; how many there are. What stands behind
    them is lost. spare: as long as `keys`; bins: `BINS` numbers; both are scratch.

    One pass counts the keys in bins of equal width, one puts those of the lowest bins where they belong. Then
    each bin is sorted: most have a key or two; in one with many, as of scores that tie, the same begins anew.
    """
    n = len(keys)
    count = min(count, n)
    if count <= 0:
        return 0
    if n <= FEW:
        _insert(keys)
        return count
    low, drop, before = _in_bins(keys, count, spare, bins)
    begin = 0
    while begin < count:
        end, its = begin + 1, (spare[begin] - low) >> drop
        while end < before and (spare[end] - low) >> drop == its:
            end += 1
        if end - begin > FEW:
            lowest_first(spare[begin:end], count - begin, keys[begin:end], bins)
        elif end - begin > 1:
            _insert(spare[begin:end])
        begin = end
    keys[:count] = spare[:count]
    return count


@compiled
def lowest(keys: NDArray[np.uint64], count: int, spare: NDArray[np.uint64], bins: NDArray[np.int64]) -> int:
    """Bring the `count` lowest of `keys`, and some that are near them, to their front, in no order; how many
    there are. The rest is as in `lowest_first`.
    """
    if count >= len(keys):
        return len(keys)
    _, _, n = _in_bins(keys, count, spare, bins)
    keys[:n] = spare[:n]
    return n


@compiled
def _in_bins(
    keys: NDArray[np.uint64], count: int, spare: NDArray[np.uint64], bins: NDArray[np.int64]
) -> tuple[np.uint64, np.uint64, int]:
    """Put the keys of the lowest bins that hold `count` of them into `spare`, one bin after the other; the
    lowest key, the bits of a key that say nothing of its bin, and how many there are.
    """
    n = len(keys)
    low = high = keys[0]
    for k in range(1, n):
        low, high = min(low, keys[k]), max(high, keys[k])
    drop = np.uint64(0)
    while (high - low) >> drop >= np.uint64(BINS):
        drop += np.uint64(1)
    used = int((high - low) >> drop) + 1
    bins[:used] = 0
    for k in range(n):
        bins[np.int64((keys[k] - low) >> drop)] += 1
    before, last = np.int64(0), used
    for each in range(used):  # from here on bins[each] is where the next key of the bin goes
        before, bins[each] = before + bins[each], before
        if before >= count:
            last = each + 1
            break
    for k in range(n):
        its_bin = np.int64((keys[k] - low) >> drop)
        if its_bin < last:
            spare[bins[its_bin]] = keys[k]
            bins[its_bin] += 1
    return low, drop, int(before)


@compiled
def _insert(keys: NDArray[np.uint64]) -> None:
    """Sort a few keys."""
    for k in range(1, len(keys)):
        moved, at = keys[k], k
        while at > 0 and keys[at - 1] > moved:
            keys[at] = keys[at - 1]
            at -= 1
        keys[at] = moved


@compiled
def take(
    keys: NDArray[np.uint64],
    room: NDArray[np.int32],
    spare: NDArray[np.uint64],
    bins: NDArray[np.int64],
) -> int:
    """Put the rows of the lowest keys into `room`, as many as it has place for; how many there are."""
    n = lowest_first(keys, len(room), spare, bins)
    for k in range(n):
        room[k] = row_of(keys[k])
    return n
