"""What is popular now, whoever asks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from streams.ranking.candidates.context import SourceContext


class Popular:
    """Score: the forward-decayed count with one of the configured half-lives."""

    def __init__(self, name: str = "popular", half_life: int = 1) -> None:
        self.name = name
        self.half_life = half_life

    def find(self, context: SourceContext) -> NDArray[np.int32]:
        leaders = context.counters.popularity.leaders(self.half_life)
        found = np.empty(min(context.limit, len(leaders)), np.int32)
        return found[: _first_free(leaders, context.blocked, found)]


@compiled
def _first_free(leaders: NDArray[np.int32], blocked: NDArray[np.uint8], found: NDArray[np.int32]) -> int:
    """Fill `found` with the first leaders that are not blocked; how many there were."""
    n = 0
    for k in range(len(leaders)):
        if n == len(found):
            break
        if blocked[leaders[k]] == 0:
            found[n] = leaders[k]
            n += 1
    return n
