"""What each source brought as one pool: reciprocal rank fusion (Cormack, Clarke, Büttcher, SIGIR 2009)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from streams.ranking.candidates.selection import LOW
from streams.ranking.candidates.source import key, lowest

OTHERS = np.uint64(1 << 63)  # the highest bit of a key: of all rows that no source has reserved


class Pool(NamedTuple):
    """rows int32 [n], best first. ranks int32 [n, sources]: places in each source's list, from 1; 0: none.

    origin int8 [n]: the source that gave the row the largest part of its sum.
    """

    rows: NDArray[np.int32]
    ranks: NDArray[np.int32]
    origin: NDArray[np.int8]


def blend(
    found: Sequence[NDArray[np.int32]],
    weights: Sequence[float] | NDArray[np.float64],
    reserve: Sequence[int] | NDArray[np.int64],
    constant: float,
    size: int,
) -> Pool:
    """The `size` rows with the highest sum of weight / (constant + rank), compared as float32; ties go to
    the lower row.

    The first `reserve[s]` rows of each source s are in the pool in any case. No weight is below 0.

    >>> one, two = np.array([5, 3], np.int32), np.array([8, 3], np.int32)
    >>> blend([one, two], [1.0, 1.0], [0, 0], 60.0, 2).rows
    array([3, 5], dtype=int32)
    >>> blend([one, two], [1.0, 0.1], [0, 1], 60.0, 2).rows
    array([3, 8], dtype=int32)
    """
    brought = np.concatenate(found)
    ends = np.fromiter(accumulate(map(len, found)), np.int64, len(found))
    most = len(brought)
    rows, keys = np.empty(most, np.int32), np.empty(most, np.uint64)
    ranks, origin = np.zeros((most, len(found)), np.int32), np.empty(most, np.int8)
    table = np.full(1 << max(2 * most, 1).bit_length(), -1, np.int32)
    shares, reserved = np.asarray(weights, np.float64), np.asarray(reserve, np.int64)
    n = _fuse(brought, ends, shares, reserved, float(constant), table, rows, ranks, origin, keys)
    keys = lowest(keys[:n], size)
    keys |= OTHERS
    keys.sort()
    return Pool(*_pick(keys, table, rows, ranks, origin))


@compiled
def _fuse(
    brought: NDArray[np.int32],
    ends: NDArray[np.int64],
    shares: NDArray[np.float64],
    reserved: NDArray[np.int64],
    constant: float,
    table: NDArray[np.int32],
    rows: NDArray[np.int32],
    ranks: NDArray[np.int32],
    origin: NDArray[np.int8],
    keys: NDArray[np.uint64],
) -> int:
    """Add up the lists that lie end to end in `brought`; how many different rows there are.

    `table` is an empty hash table (-1), its length a power of two and more than what was brought. `keys`: a
    number for each row (`source.key` of its sum); those of reserved rows are below all others.
    """
    n = 0
    fused, largest = np.zeros(len(brought)), np.empty(len(brought))
    kept = np.zeros(len(brought), np.bool_)
    begin = 0
    for source in range(len(ends)):
        for k in range(begin, ends[source]):
            row, rank = brought[k], k - begin + 1
            part = shares[source] / (constant + rank)
            at = _slot(table, rows, row)
            place = table[at]
            if place < 0:
                place = n
                table[at], rows[n], largest[n], origin[n] = n, row, part, source
                n += 1
            elif part > largest[place]:
                largest[place], origin[place] = part, source
            fused[place] += part
            ranks[place, source] = rank
            if rank <= reserved[source]:
                kept[place] = True
        begin = ends[source]
    bits = fused.astype(np.float32).view(np.uint32)
    for place in range(n):
        its_key = key(bits[place], rows[place])
        keys[place] = its_key & ~OTHERS if kept[place] else its_key
    return n


@compiled
def _slot(table: NDArray[np.int32], rows: NDArray[np.int32], row: int) -> int:
    """Where `row` stands in the hash table, or is to stand."""
    mask = len(table) - 1
    at = (row * 2_654_435_761) & mask
    while table[at] >= 0 and rows[table[at]] != row:
        at = (at + 1) & mask
    return at


@compiled
def _pick(
    keys: NDArray[np.uint64],
    table: NDArray[np.int32],
    rows: NDArray[np.int32],
    ranks: NDArray[np.int32],
    origin: NDArray[np.int8],
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int8]]:
    """The rows that `keys` name, with what is known of them, in the order of the keys."""
    chosen = np.empty(len(keys), np.int32)
    their_ranks, their_origin = np.empty((len(keys), ranks.shape[1]), np.int32), np.empty(len(keys), np.int8)
    for k in range(len(keys)):
        row = int(keys[k] & LOW)
        place = table[_slot(table, rows, row)]
        chosen[k], their_origin[k] = row, origin[place]
        their_ranks[k] = ranks[place]
    return chosen, their_ranks, their_origin
