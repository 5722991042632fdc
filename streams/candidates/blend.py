"""What each source brought as one pool: reciprocal rank fusion (Cormack, Clarke, Büttcher, SIGIR 2009)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled


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
    """The `size` rows with the highest sum of weight / (constant + rank); ties go to the lower row.

    The first `reserve[s]` rows of each source s are in the pool in any case.

    >>> one, two = np.array([5, 3], np.int32), np.array([8, 3], np.int32)
    >>> blend([one, two], [1.0, 1.0], [0, 0], 60.0, 2).rows
    array([3, 5], dtype=int32)
    >>> blend([one, two], [1.0, 0.1], [0, 1], 60.0, 2).rows
    array([3, 8], dtype=int32)
    """
    brought = np.concatenate(found)
    ends = np.cumsum([len(rows) for rows in found])
    most = len(brought)
    rows, fused = np.empty(most, np.int32), np.zeros(most)
    ranks, origin = np.zeros((most, len(found)), np.int32), np.empty(most, np.int8)
    kept = np.zeros(most, np.bool_)
    table = np.full(1 << max(2 * most, 1).bit_length(), -1, np.int32)
    shares, reserved = np.asarray(weights, np.float64), np.asarray(reserve, np.int64)
    n = _fuse(brought, ends, shares, reserved, float(constant), table, rows, fused, ranks, origin, kept)
    rows, fused = rows[:n], fused[:n]
    chosen = np.arange(n)
    if n > size:
        certain = _top(np.flatnonzero(kept[:n]), rows, fused, size)
        rest = _top(np.flatnonzero(~kept[:n]), rows, fused, size - len(certain))
        chosen = np.concatenate([certain, rest])
    order = chosen[np.lexsort((rows[chosen], -fused[chosen]))]
    return Pool(rows[order], ranks[order], origin[order])


def _top(
    places: NDArray[np.intp], rows: NDArray[np.int32], fused: NDArray[np.float64], count: int
) -> NDArray[np.intp]:
    """Those `count` of `places` with the highest sums, in no order; ties go to the lower row."""
    if len(places) <= count:
        return places
    if count == 0:
        return places[:0]
    sums = fused[places]
    edge = np.partition(sums, len(sums) - count)[len(sums) - count]
    above, level = places[sums > edge], places[sums == edge]
    lowest = level[np.argsort(rows[level], kind="stable")]
    return np.concatenate([above, lowest[: count - len(above)]])


@compiled
def _fuse(
    brought: NDArray[np.int32],
    ends: NDArray[np.int64],
    shares: NDArray[np.float64],
    reserved: NDArray[np.int64],
    constant: float,
    table: NDArray[np.int32],
    rows: NDArray[np.int32],
    fused: NDArray[np.float64],
    ranks: NDArray[np.int32],
    origin: NDArray[np.int8],
    kept: NDArray[np.bool_],
) -> int:
    """Add up the lists that lie end to end in `brought`; how many different rows there are.

    `table` is an empty hash table (-1), its length a power of two and more than what was brought.
    """
    n, mask = 0, len(table) - 1
    largest = np.empty(len(brought))
    begin = 0
    for source in range(len(ends)):
        for k in range(begin, ends[source]):
            row, rank = brought[k], k - begin + 1
            at = (row * 2_654_435_761) & mask
            while table[at] >= 0 and rows[table[at]] != row:
                at = (at + 1) & mask
            part = shares[source] / (constant + rank)
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
    return n
