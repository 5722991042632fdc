"""What a candidate source is, and the selection they share."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from streams.query import Query

LOW = np.uint64(0xFFFF_FFFF)
HALF = np.uint64(32)


class Source(Protocol):
    """Brings at most `query.limit` rows that are not blocked: int32 [n], best first, each once."""

    name: str

    def find(self, query: Query) -> NDArray[np.int32]: ...


def best(
    rows: NDArray[np.int32], scores: NDArray[np.float32], blocked: NDArray[np.uint8], limit: int
) -> NDArray[np.int32]:
    """The `limit` best of `rows` that have a positive score and are not blocked; ties go to the lower row.

    >>> rows, scores = np.array([4, 2, 9], np.int32), np.array([1, 3, 2], np.float32)
    >>> best(rows, scores, np.zeros(10, np.uint8), 2)
    array([2, 9], dtype=int32)
    """
    keys = np.empty(len(rows), np.uint64)
    keys = keys[: _keys(rows, scores, scores.view(np.uint32), blocked, keys)]
    if len(keys) > limit:
        keys.partition(limit - 1)
        keys = keys[:limit]
    keys.sort()
    return (keys & LOW).astype(np.int32)


@compiled
def _keys(
    rows: NDArray[np.int32],
    scores: NDArray[np.float32],
    bits: NDArray[np.uint32],
    blocked: NDArray[np.uint8],
    keys: NDArray[np.uint64],
) -> int:
    """One number for score and row, smaller for better: the bits of positive floats are ordered as they are.

    No two are equal, so whatever sorts or cuts them can't break a tie its own way.
    """
    n = 0
    for k in range(len(rows)):
        if scores[k] > 0.0 and blocked[rows[k]] == 0:
            keys[n] = ((LOW - np.uint64(bits[k])) << HALF) | np.uint64(rows[k])
            n += 1
    return n
