"""What is popular now, whoever asks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from streams.ranking.candidates.context import BatchContext
from streams.ranking.candidates.lists import Lists


class Popular:
    """Score: the forward-decayed count with one of the configured half-lives. The counters keep the order
    (`streams.counters.leaders`).
    """

    def __init__(self, name: str = "popular", half_life: int = 1) -> None:
        self.name = name
        self.half_life = half_life

    def find_all(self, context: BatchContext, chosen: NDArray[np.int64], lists: Lists) -> None:
        leaders = context.counters.popularity.leaders(self.half_life)
        first_free(leaders, context.blocked, chosen, *lists)


@compiled
def first_free(
    ordered: NDArray[np.int32],
    blocked: NDArray[np.uint8],
    chosen: NDArray[np.int64],
    found: NDArray[np.int32],
    first: NDArray[np.int64],
    counts: NDArray[np.int64],
) -> None:
    """Bring the first rows of `ordered`, best first, that are not blocked; found to counts: `Lists`."""
    for b in chosen:
        n, room = first[b], first[b + 1]
        for row in ordered:
            if n == room:
                break
            if blocked[b, row] == 0:
                found[n] = row
                n += 1
        counts[b] = n - first[b]
