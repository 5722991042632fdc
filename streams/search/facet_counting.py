"""How many of the found items have each facet, in one compiled pass over them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from streams.search.narrowing import NONE, SEVERAL, Narrowed
from streams.state.facets import Facets

NOT_COUNTED = -3
NOTHING_OWN = -4
"""Of a facet whose field has no part of the filter: only items that pass all parts count."""

Counts = NDArray[np.int64]


def counted(
    facets: Facets, rows: NDArray[np.int32], narrowed: Narrowed, own: dict[int, NDArray[np.int32]]
) -> Counts:
    """How many of `rows` have each facet: int64 [facets], 0 for those that nobody asks for. own: facets to
    count, by the part of the filter that is their field's own, `NONE` for no part.
    """
    part_of = np.full(len(facets), NOT_COUNTED, np.int8)
    for part, numbers in own.items():
        part_of[numbers] = NOTHING_OWN if part == NONE else part
    counts = np.zeros(len(facets), np.int64)
    lists = facets.numbers
    _count(rows, narrowed.failed, lists.start, lists.count, lists.numbers, part_of, counts)
    return counts


@compiled
def _count(
    rows: NDArray[np.int32],
    failed: NDArray[np.int8],
    start: NDArray[np.int64],
    count: NDArray[np.int32],
    numbers: NDArray[np.int32],
    part_of: NDArray[np.int8],
    counts: Counts,
) -> None:
    """A row counts for a facet where it fails no part of the filter, or the facet's own one alone."""
    for k in range(len(rows)):
        row, its_part = rows[k], failed[k]
        if row >= len(start) or its_part == SEVERAL:
            continue
        begin = start[row]
        for at in range(begin, begin + count[row]):
            number = numbers[at]
            own = part_of[number]
            if own == its_part or (own != NOT_COUNTED and its_part == NONE):
                counts[number] += 1
