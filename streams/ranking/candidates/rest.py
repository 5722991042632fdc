"""What is left where all sources together bring less than a slate: whatever else the user may be shown."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from streams.ranking.candidates.blend import Pool


def completed(pool: Pool, blocked: NDArray[np.uint8], items: int, size: int, origin: int) -> Pool:
    """The pool with the last rows that are neither in it nor blocked behind it, until it has `size`.

    A user who has met what is popular, or comes before anything is, is so shown what they have not met rather
    than a short slate. No source has ranked these rows; `origin` is the one that they are booked under.
    """
    missing = min(size, items) - len(pool.rows)
    if missing <= 0:
        return pool
    found = np.empty(missing, np.int32)
    found = found[: _last_free(blocked, items, pool.rows, found)]
    return Pool(
        np.concatenate([pool.rows, found]),
        np.concatenate([pool.ranks, np.zeros((len(found), pool.ranks.shape[1]), np.int32)]),
        np.concatenate([pool.origin, np.full(len(found), origin, np.int8)]),
    )


@compiled
def _last_free(
    blocked: NDArray[np.uint8], items: int, taken: NDArray[np.int32], found: NDArray[np.int32]
) -> int:
    """Fill `found` from the highest row down; how many there were."""
    n = 0
    for row in range(items - 1, -1, -1):
        if n == len(found):
            break
        if blocked[row] == 0 and not (taken == row).any():
            found[n] = row
            n += 1
    return n
