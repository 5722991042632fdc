"""The best items for a query: exact where items are few, by cells where they are many."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from model.schema import F32
from streams.ranking.index.beside import beside
from streams.ranking.index.calibration import missed_share
from streams.ranking.index.cells import Cells
from streams.ranking.index.exact import find_exact
from streams.ranking.index.recall_watch import RecallWatch
from streams.ranking.index.search import find_in_cells
from streams.settings.ranking import IndexSettings

log = logging.getLogger(__name__)

STALE = 0.5
"""Cells are made anew after so many changes, as a share of the items that they were made of."""
FEW = 500
"""So many changed items are put into new cells at once: in about two milliseconds."""
CATCHING_UP = 20
"""So often at most is put what has changed while cells were made, and while the last was put."""
NO_ROWS = np.empty(0, np.int64)


class VectorIndex:
    """Over vectors that its owner keeps, and says which of them change (`keep_up`).

    `beside`: cells are made in a thread, while the former ones, or exact searches, go on; else at once, so
    that the same calls find the same. `builds`: how often cells were made. `looked` [1]: at how many items
    searches in cells have looked; `searches`: how many they were.
    """

    def __init__(self, name: str, settings: IndexSettings = IndexSettings()) -> None:
        self.name, self.settings, self.beside = name, settings, False
        self.cells: Cells | None = None
        self.watch = RecallWatch()
        self.builds = self.searches = 0
        self.looked = np.zeros(1, np.int64)
        self._missed = 0.0
        self._building: _Build | None = None

    def configure(self, settings: IndexSettings, beside: bool) -> None:
        """Go on by these; what is being made goes on as it began."""
        self.settings, self.beside = settings, beside
        self.watch.every = settings.watch_every if beside else 0

    def keep_up(self, vectors: F32, rows: NDArray[np.integer]) -> None:
        """`rows` of vectors [n, dim] came or changed since the last call."""
        self._take(vectors)
        if len(rows):
            if self._building is not None:
                self._building.changed(vectors, rows)
            if self.cells is not None:
                self.cells.put(vectors, rows)
        if self._building is None and self._due(len(vectors)):
            self._build(vectors)

    def forget(self) -> None:
        """The vectors are of other items now."""
        self.cells, self._building = None, None

    def find(
        self,
        vectors: F32,
        queries: F32,
        blocked: Sequence[NDArray[np.uint8]],
        limits: Sequence[int],
        least: float = -np.inf,
    ) -> list[NDArray[np.int32]]:
        """For each of queries [B, dim] the rows of vectors [n, dim] with the largest products above `least`,
        best first, at most limits[b] of them; ties go to the lower row. blocked[b]: uint8 [n or more], 1 for
        rows that are left out. However many these are, limits[b] rows come where there are so many others.
        """
        self._take(vectors)
        if self.cells is None:
            return find_exact(vectors, queries, blocked, limits, least)
        found = []
        for query, mask, limit in zip(queries, blocked, limits, strict=True):
            rows = find_in_cells(
                self.cells.tables, vectors, query, mask, limit, np.float32(least), self._missed, self.looked
            )
            self.searches += 1
            self.watch.see(vectors, query, mask, limit, least, rows)
            found.append(rows)
        return found

    def wait(self) -> None:
        """Until nothing is being made beside. What was made is taken up by the next call."""
        if self._building is not None:
            self._building.thread.join()
        self.watch.wait()

    def _due(self, items: int) -> bool:
        if self.cells is None:
            return items >= self.settings.from_items
        return self.cells.changed > max(STALE * self.cells.built, 1_000)

    def _build(self, vectors: F32) -> None:
        if self.beside:
            self._building = _Build(vectors)
            return
        self.cells = Cells(vectors)
        self._missed = missed_share(self.cells, vectors)
        self.builds += 1

    def _take(self, vectors: F32) -> None:
        """Exchange the cells for those that were made beside, if they are ready."""
        building = self._building
        if building is None or building.thread.is_alive():
            return
        self._building = None
        if building.cells is None:
            log.error("the index %r was not made; the former way goes on: %s", self.name, building.error)
            return
        self.cells, self._missed = building.cells, building.missed
        self.builds += 1
        if len(rows := building.waiting()):
            self.cells.put(vectors, rows)


class _Build:
    """Cells in the making, of vectors that change meanwhile. What changed is put again, in the same thread
    until little is left: no slate waits for what a large import has changed.
    """

    def __init__(self, vectors: F32) -> None:
        self.cells: Cells | None = None
        self.missed = 0.0
        self.error: Exception | None = None
        self._vectors = vectors
        self._meanwhile: deque[NDArray[np.integer]] = deque()
        self.thread = beside(self._run, "making an index")

    def changed(self, vectors: F32, rows: NDArray[np.integer]) -> None:
        """`rows` of the vectors came or changed."""
        self._vectors = vectors  # before the rows: whoever takes these finds them in it
        self._meanwhile.append(rows)

    def waiting(self) -> NDArray[np.integer]:
        """The rows that changed since this was last asked, ascending."""
        taken = [self._meanwhile.popleft() for _ in range(len(self._meanwhile))]
        return np.unique(np.concatenate(taken)) if taken else NO_ROWS

    def _run(self) -> None:
        try:
            cells = Cells(self._vectors)
            self.missed = missed_share(cells, self._vectors)
            for _ in range(CATCHING_UP):
                if sum(map(len, self._meanwhile.copy())) <= FEW:
                    break
                rows = self.waiting()
                cells.put(self._vectors, rows)
            self.cells = cells
        except Exception as error:
            self.error = error
