"""Lists of rows put together, in compiled code: a search joins a few hundred rows several times."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from model.schema import F32


@compiled
def fused(
    rows: NDArray[np.int32], scores: F32, first: NDArray[np.int64], shares: F32
) -> tuple[NDArray[np.int32], F32, F32]:
    """The different rows of some lists, the largest sum of shares[k] * score first; ties go to the lower row.
    rows int32 [n] and scores float32 [n]: lists end to end, of which list k begins at first[k], int64 [lists
    + 1]; a list has a row once.

    Rows int32 [m], their sums float32 [m], and what each list adds, float32 [lists, m]: 0 from a list without
    the row.
    """
    order = np.argsort(rows, kind="mergesort")
    every = np.empty(len(rows), np.int32)
    place = np.empty(len(rows), np.int64)
    n = 0
    for k in order:
        if n == 0 or every[n - 1] != rows[k]:
            every[n] = rows[k]
            n += 1
        place[k] = n - 1
    added, sums = np.zeros((len(shares), n), np.float32), np.zeros(n, np.float32)
    for which in range(len(shares)):
        for k in range(first[which], first[which + 1]):
            part = shares[which] * scores[k]
            added[which, place[k]] = part
            sums[place[k]] -= part
    best = np.argsort(sums, kind="mergesort")
    found, total = np.empty(n, np.int32), np.empty(n, np.float32)
    parts = np.empty((len(shares), n), np.float32)
    for at in range(n):
        found[at], total[at] = every[best[at]], -sums[best[at]]
        for which in range(len(shares)):
            parts[which, at] = added[which, best[at]]
    return found, total, parts


@compiled
def united(rows: NDArray[np.int32], more: NDArray[np.int32]) -> NDArray[np.int32]:
    """The rows, and behind them those of `more` that are not among them, in their order."""
    known = np.sort(rows)
    found = np.empty(len(rows) + len(more), np.int32)
    found[: len(rows)] = rows
    n = len(rows)
    for row in more:
        at = np.searchsorted(known, row)
        if at == len(known) or known[at] != row:
            found[n] = row
            n += 1
    return found[:n].copy()


@compiled
def first_free(rows: NDArray[np.int32], blocked: NDArray[np.uint8], limit: int) -> NDArray[np.int64]:
    """Where the first `limit` of the rows stand that are not blocked. blocked uint8 [items]: 1 for what may
    not be found; a row beyond it may not either.
    """
    places = np.empty(min(limit, len(rows)), np.int64)
    n = 0
    for k in range(len(rows)):
        if n == len(places):
            break
        if rows[k] < len(blocked) and blocked[rows[k]] == 0:
            places[n] = k
            n += 1
    return places[:n].copy()
