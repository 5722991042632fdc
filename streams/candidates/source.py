"""What a candidate source is, and the selection they share."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from streams.query import Query


class Found(NamedTuple):
    """Rows int32 [n] and scores float32 [n], best first."""

    rows: NDArray[np.int32]
    scores: NDArray[np.float32]


class Source(Protocol):
    """Brings at most `query.limit` rows that are not blocked, best first."""

    name: str

    def find(self, query: Query) -> Found: ...


def best(
    rows: NDArray[np.int32], scores: NDArray[np.float32], blocked: NDArray[np.uint8], limit: int
) -> Found:
    """The `limit` best of `rows` that have a positive score and are not blocked; ties go to the lower row.

    >>> rows, scores = np.array([4, 2, 9], np.int32), np.array([1, 3, 2], np.float32)
    >>> best(rows, scores, np.zeros(10, np.uint8), 2).rows
    array([2, 9], dtype=int32)
    """
    keep = np.empty(len(rows), np.int64)
    n = _eligible(rows, scores, blocked, keep)
    rows, scores = rows[keep[:n]], scores[keep[:n]]
    if n > limit:
        cut = np.argpartition(-scores, limit - 1)[:limit]
        rows, scores = rows[cut], scores[cut]
    order = np.lexsort((rows, -scores))
    return Found(rows[order], scores[order])


@compiled
def _eligible(
    rows: NDArray[np.int32],
    scores: NDArray[np.float32],
    blocked: NDArray[np.uint8],
    keep: NDArray[np.int64],
) -> int:
    n = 0
    for k in range(len(rows)):
        if scores[k] > 0.0 and blocked[rows[k]] == 0:
            keep[n] = k
            n += 1
    return n
