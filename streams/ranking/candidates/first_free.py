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
        counts[b] = take_free(ordered, len(ordered), blocked[b], found, first[b], first[b + 1])


@compiled
def take_free(
    ordered: NDArray[np.int32],
    end: int,
    blocked: NDArray[np.uint8],
    found: NDArray[np.int32],
    begin: int,
    room: int,
) -> int:
    """Put those of the first `end` rows that are not blocked [n] into `found`, from `begin` up to `room`; how
    many there are.
    """
    n = begin
    for k in range(end):
        if n == room:
            break
        if blocked[ordered[k]] == 0:
            found[n] = ordered[k]
            n += 1
    return n - begin
