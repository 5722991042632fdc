"""Lists of rows put together, in compiled code: a search joins a few hundred rows several times."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from model.schema import F32


@compiled
def summed(rows: NDArray[np.int32], scores: F32, first: NDArray[np.int64]) -> tuple[NDArray[np.int32], F32]:
    """What each list adds to each row. rows int32 [n] and scores float32 [n]: lists end to end, of which list
    k begins at first[k], int64 [lists + 1]; a list has a row once.

    The different rows int32 [m], ascending, and float32 [lists, m]: 0 from a list without the row.
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
    parts = np.zeros((len(first) - 1, n), np.float32)
    for which in range(len(first) - 1):
        for k in range(first[which], first[which + 1]):
            parts[which, place[k]] = scores[k]
    return every[:n].copy(), parts


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
