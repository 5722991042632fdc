"""Now and then a search is made again, exactly, beside the service: how much of it the index had found."""

from __future__ import annotations

import threading
from collections import deque

import numpy as np
from numpy.typing import NDArray

from model.schema import F32
from streams.ranking.index.beside import beside
from streams.ranking.index.calibration import recall
from streams.ranking.index.exact import find_exact

KEPT = 100


class RecallWatch:
    """One search in `every` is looked at, one at a time; 0: none. `samples`: how many were."""

    def __init__(self, every: int = 0) -> None:
        self.every, self.samples = every, 0
        self._seen = 0
        self._newest: deque[float] = deque(maxlen=KEPT)
        self._looking: threading.Thread | None = None

    @property
    def recall(self) -> float:
        """The mean of the newest samples; NaN before the first."""
        newest = list(self._newest)
        return sum(newest) / len(newest) if newest else float("nan")

    def see(
        self,
        vectors: F32,
        query: F32,
        blocked: NDArray[np.uint8],
        limit: int,
        least: float,
        found: NDArray[np.int32],
    ) -> None:
        """A search that was made. Vectors may change while it is looked at: a few rows of many."""
        self._seen += 1
        if not self.every or self._seen % self.every or (self._looking and self._looking.is_alive()):
            return
        copies = query.copy(), blocked[: len(vectors)].copy()

        def look() -> None:
            (exact,) = find_exact(vectors, copies[0][None], [copies[1]], [limit], least)
            self._newest.append(recall(found, exact))
            self.samples += 1

        self._looking = beside(look, "recall of an index")

    def wait(self) -> None:
        """Until the search that is looked at, if any, is done with."""
        if self._looking is not None:
            self._looking.join()
