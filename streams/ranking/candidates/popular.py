"""What is popular now, whoever asks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from streams.ranking.candidates.context import BatchContext
from streams.ranking.candidates.first_free import first_free
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
