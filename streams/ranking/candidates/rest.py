"""What is left where all sources together bring less than a slate: whatever else the user may be shown."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled


@compiled
def add_rest(
    blocked: NDArray[np.uint8],
    items: int,
    size: int,
    booked: int,
    rows: NDArray[np.int32],
    ranks: NDArray[np.int32],
    origin: NDArray[np.int8],
    pool: int,
) -> int:
    """Write the last rows that are neither in the pool nor blocked behind it, until it has `size`; how many
    there were. rows: of the pool, `pool` of them, and behind them; ranks and origin: behind the pool.

    A user who has met what is popular, or comes before anything is, is so shown what they have not met rather
    than a short slate. No source has ranked these rows; `booked` is the one that they are booked under.
    """
    n = 0
    for row in range(items - 1, -1, -1):
        if pool + n >= size:
            break
        if blocked[row] == 0 and not (rows[:pool] == row).any():
            rows[pool + n], origin[n] = row, booked
            ranks[n] = 0
            n += 1
    return n
