"""The first rows of an order that are not blocked, for sources whose order is the same whoever asks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled


@compiled
def first_free(
    ordered: NDArray[np.int32],
    blocked: NDArray[np.uint8],
    chosen: NDArray[np.int64],
    found: NDArray[np.int32],
    first: NDArray[np.int64],
    counts: NDArray[np.int64],
) -> None:
    """Bring the first rows of `ordered`, best first, that are not blocked. found to counts: `Lists`."""
    for b in chosen:
        n, room = first[b], first[b + 1]
        for row in ordered:
            if n == room:
                break
            if blocked[b, row] == 0:
                found[n] = row
                n += 1
        counts[b] = n - first[b]
