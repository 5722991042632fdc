"""A pool that a request brings itself, in the order of the sums by which `blend` fuses lists.

The sources' lists hold more rows than are given. Only of those that are given anything is added up.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from streams.ranking.candidates.asks import Asks
from streams.ranking.candidates.lists import FoundLists
from streams.ranking.candidates.selection import key, lowest_first, row_of
from streams.ranking.workspace import Scratch


@compiled
def put_given(
    given: NDArray[np.int32],
    found: FoundLists,
    asks: Asks,
    b: int,
    places: NDArray[np.int32],
    scratch: Scratch,
    rows: NDArray[np.int32],
    ranks: NDArray[np.int32],
    origin: NDArray[np.int8],
) -> int:
    """Write the rows that are given for request b, each of them once, the highest sum first, with what the
    sources say of them; how many there are. Ties stay in the order in which they are given.

    places: a scratch table over all rows, all -1 before and after. scratch: room for as many keys as are
    given. rows, ranks, origin: see `Pools`.
    """
    n, sources, first = len(given), len(found.rows), found.first[b]
    its_ranks, its_origin = np.zeros((n, sources), np.int32), np.full(n, -1, np.int8)
    sums, largest = np.zeros(n), np.zeros(n)
    for k in range(n):
        places[given[k]] = k
    for source in range(sources):
        for k in range(found.counts[source, b]):
            place, rank = places[found.rows[source, first + k]], k + 1
            if place < 0:
                continue
            part = asks.weights[b, source] / (asks.constant[b] + rank)
            if its_origin[place] < 0 or part > largest[place]:
                largest[place], its_origin[place] = part, source
            sums[place] += part
            its_ranks[place, source] = rank
    keys = scratch.keys[:n]
    for k in range(n):
        places[given[k]] = -1
        keys[k] = key(np.float32(sums[k]), np.int32(k))
    lowest_first(keys, n, scratch.spare, scratch.bins)
    for k in range(n):
        place = row_of(keys[k])
        rows[k], origin[k] = given[place], its_origin[place]
        ranks[k] = its_ranks[place]
    return n
