"""What a candidate source is, and the selection they share."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from streams.ranking.candidates.context import SourceContext
from streams.ranking.candidates.selection import BINS, HALF, LOW, lowest_first


class Source(Protocol):
    """Brings at most `context.limit` rows that are not blocked: int32 [n], best first, each once."""

    name: str

    def find(self, context: SourceContext) -> NDArray[np.int32]: ...


def best(
    rows: NDArray[np.int32], scores: NDArray[np.float32], blocked: NDArray[np.uint8], limit: int
) -> NDArray[np.int32]:
    """The `limit` best of `rows` that have a positive score and are not blocked; ties go to the lower row.

    >>> rows, scores = np.array([4, 2, 9], np.int32), np.array([1, 3, 2], np.float32)
    >>> best(rows, scores, np.zeros(10, np.uint8), 2)
    array([2, 9], dtype=int32)
    """
    found = np.empty(min(limit, len(rows)), np.int32)
    return found[: _best(rows, scores.view(np.uint32), blocked, found)]


def lowest(keys: NDArray[np.uint64], count: int) -> NDArray[np.uint64]:
    """The `count` lowest keys, in no order; changes the order of `keys`."""
    if len(keys) <= count:
        return keys
    keys.partition(count - 1)
    return keys[:count]


@compiled
def key(bits: np.uint32, row: np.int32) -> np.uint64:
    """One number for a score, by its float32's bits, and a row: smaller for better, then for the lower row.

    The bits of floats that are not negative are ordered as they are, and below the highest bit, which is
    therefore set in every key. No two keys are equal, so whatever sorts or cuts them can't break a tie its
    own way.
    """
    return ((LOW - np.uint64(bits)) << HALF) | np.uint64(row)


HIGHEST = np.uint32(0x7F80_0000)
"""The bits of infinity; those of what is not a number, or below 0, are higher."""


@compiled
def _best(
    rows: NDArray[np.int32], bits: NDArray[np.uint32], blocked: NDArray[np.uint8], found: NDArray[np.int32]
) -> int:
    """Fill `found`; how many there were."""
    keys, spare = np.empty(len(rows), np.uint64), np.empty(len(rows), np.uint64)
    n = 0
    for k in range(len(rows)):
        if 0 < bits[k] <= HIGHEST and blocked[rows[k]] == 0:
            keys[n] = key(bits[k], rows[k])
            n += 1
    n = lowest_first(keys[:n], len(found), spare, np.empty(BINS, np.int64))
    for k in range(n):
        found[k] = np.int32(keys[k] & LOW)
    return n
