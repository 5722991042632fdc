"""What is reused from one batch to the next: scratch tables over all items.

Two batches never use one workspace at the same time.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from streams.signals.entity_signals import EntitySignals
from streams.signals.pair_signals import Signals
from streams.state.knowledge_graph import Graph


class Workspace:
    """`pairs`, `entities`: the tables that signals are added up in. places int32 [n], all -1 between uses.

    blocked uint8 [requests, n]: which items each request may not show.
    """

    def __init__(self, graph: Graph | None = None) -> None:
        self.pairs = Signals()
        self.entities = None if graph is None else EntitySignals(graph)
        self.places = np.full(0, -1, np.int32)
        self._blocked = np.zeros((0, 0), np.uint8)

    def grow(self, item_ids: Sequence[str]) -> None:
        """Make room for these items, those of all rows."""
        items = len(item_ids)
        self.pairs.grow(items)
        if self.entities is not None:
            self.entities.grow(item_ids)
        if items > len(self.places):
            self.places = np.full(max(items, len(self.places) * 3 // 2), -1, np.int32)

    def blocked(self, requests: int) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
        """A cleared mask for each request: uint8 [requests, room for all items]."""
        if requests > len(self._blocked) or len(self.places) > self._blocked.shape[1]:
            rows = max(requests, len(self._blocked))
            self._blocked = np.zeros((rows, len(self.places)), np.uint8)
        else:
            self._blocked[:requests] = 0
        return self._blocked[:requests]
