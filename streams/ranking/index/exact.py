"""All items against a query: exact."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from model.schema import F32
from streams.ranking.candidates.selection import BINS, key, lowest, lowest_first, score_of
from streams.ranking.index.products import rescored

MOST_SCORES = 1 << 21
"""So many scores are held at once: a batch over more is divided."""
ROOM = 2_048
"""So many keys are gathered before the best are kept: all of them, where there are no more items."""
FEW_QUERIES = 8
"""Up to so many at once, a product from the other side is faster, with the turning of what comes of it."""
SLACK = 16
"""A BLAS adds up in an order of its own. So many more than are asked for are looked at again."""


def find_exact(
    vectors: F32, queries: F32, blocked: Sequence[NDArray[np.uint8]], limits: Sequence[int], least: float
) -> list[NDArray[np.int32]]:
    """For each of queries [B, dim] the rows of vectors [n, dim] with the largest products above `least`, best
    first, at most limits[b] of them; ties go to the lower row. blocked[b]: uint8 [n or more], 1 for rows that
    are left out.

    One matrix product serves the batch.
    """
    floor, found = np.float32(least), []
    step = max(MOST_SCORES // max(len(vectors), 1), 1)
    for begin in range(0, len(queries), step):
        for b, scores in enumerate(_products(queries[begin : begin + step], vectors), begin):
            rows = np.empty(min(limits[b], len(vectors)), np.int32)
            found.append(rows[: _pick(vectors, queries[b], scores, blocked[b], rows, floor)])
    return found


def _products(queries: F32, vectors: F32) -> F32:
    """[B, n], contiguous. A few queries are multiplied from the other side: OpenBLAS takes up to twice as
    long where the first matrix has so few rows.
    """
    if 1 < len(queries) <= FEW_QUERIES:
        return np.ascontiguousarray((vectors @ queries.T).T)
    return np.asarray(queries @ vectors.T, np.float32)


@compiled
def _pick(
    vectors: F32,
    query: F32,
    scores: F32,
    blocked: NDArray[np.uint8],
    found: NDArray[np.int32],
    least: np.float32,
) -> int:
    """Fill `found`; how many there are. What can't be among the best any more costs a comparison."""
    keep = len(found) + SLACK
    room = max(2 * keep, ROOM)
    keys, spare = np.empty(room, np.uint64), np.empty(room, np.uint64)
    bins = np.empty(BINS, np.int64)
    n, worst, worst_key = 0, np.float32(-np.inf), np.uint64(0xFFFF_FFFF_FFFF_FFFF)
    for row in range(len(scores)):
        score = scores[row]
        if score >= worst and blocked[row] == 0:
            its_key = key(score, np.int32(row))
            if its_key < worst_key:
                keys[n] = its_key
                n += 1
                if n == len(keys):
                    n = lowest_first(keys, keep, spare, bins)
                    worst_key = keys[n - 1]
                    worst = score_of(worst_key)
    n = lowest(keys[:n], keep, spare, bins)
    return rescored(vectors, query, found, least, keys[:n], spare, bins)
