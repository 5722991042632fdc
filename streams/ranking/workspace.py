"""What is reused from one batch to the next: tables over all items, and the room in which a batch is made.

Two batches never use one workspace at the same time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.ranking.candidates.asks import AskTable
from streams.ranking.candidates.selection import BINS
from streams.signals.entity_signals import ENTITY_SIGNALS, EntitySignals
from streams.signals.pair_signals import SIGNALS
from streams.signals.signal_table import SignalTable
from streams.state.knowledge_graph import Graph


class Scratch(NamedTuple):
    """What a selection needs (`streams.ranking.candidates.selection`): keys and spare uint64 [most], bins."""

    keys: NDArray[np.uint64]
    spare: NDArray[np.uint64]
    bins: NDArray[np.int64]


class Fusion(NamedTuple):
    """What a blend needs (`streams.ranking.candidates.blend`): table int32, a power of two, all -1 between
    uses; of each different row met int32, ranks int32 [rows, sources], origin int8, sums float64 [2, rows].
    """

    table: NDArray[np.int32]
    met: NDArray[np.int32]
    ranks: NDArray[np.int32]
    origin: NDArray[np.int8]
    sums: NDArray[np.float64]


class Workspace:
    """items: how many there are. pairs, shared: where the signals of a batch stand. entities: the graph's
    items, None without one. places int32 [n], all -1 between uses. asks: what batches asked. batch: the
    number of the present one.
    """

    def __init__(self, graph: Graph | None = None) -> None:
        self.pairs, self.shared = SignalTable(SIGNALS), SignalTable(ENTITY_SIGNALS)
        self.entities = None if graph is None else EntitySignals(graph)
        self.places = np.full(0, -1, np.int32)
        self.batch = self.items = 0
        self._blocked = np.zeros((0, 0), np.uint8)
        self._scratch = _scratch(4_096)
        self._fusion = _fusion(0, 0)
        self.asks = AskTable()

    def grow(self, item_ids: Sequence[str]) -> None:
        """Make room for these items, those of all rows."""
        self.items = len(item_ids)
        if self.entities is not None:
            self.entities.grow(item_ids)
        self.make_room(self.items)

    def make_room(self, rows: int) -> None:
        """Make room for so many rows, of which some may be no items."""
        if self.entities is not None:
            self.entities.make_room(rows)
        if rows > len(self.places):
            self.places = np.full(max(rows, len(self.places) * 3 // 2), -1, np.int32)

    def begin(self) -> int:
        """A new batch, which forgets the last one; its number."""
        self.pairs.clear()
        self.shared.clear()
        self.batch += 1
        return self.batch

    def scratch(self, most: int) -> Scratch:
        """Room for a selection among `most` keys."""
        room = len(self._scratch.keys)
        if most > room:
            self._scratch = _scratch(max(most, room * 3 // 2))
        return self._scratch

    def fusion(self, most: int, sources: int) -> Fusion:
        """Room to blend the lists of so many sources with `most` rows in all."""
        if most > len(self._fusion.met) or sources != self._fusion.ranks.shape[1]:
            self._fusion = _fusion(most * 3 // 2, sources)
        return self._fusion

    def blocked(self, requests: int) -> NDArray[np.uint8]:
        """A cleared mask for each request: uint8 [requests, room for all items]; 1 means: not to be shown.
        What stands behind the items is not cleared.
        """
        if requests > len(self._blocked) or len(self.places) > self._blocked.shape[1]:
            rows = max(requests, len(self._blocked))
            self._blocked = np.zeros((rows, len(self.places)), np.uint8)
        else:
            self._blocked[:requests, : self.items] = 0
        return self._blocked[:requests]


def _scratch(most: int) -> Scratch:
    return Scratch(np.empty(most, np.uint64), np.empty(most, np.uint64), np.empty(BINS, np.int64))


def _fusion(most: int, sources: int) -> Fusion:
    return Fusion(
        np.full(1 << max(2 * most, 1).bit_length(), -1, np.int32),
        np.empty(most, np.int32),
        np.empty((most, sources), np.int32),
        np.empty(most, np.int8),
        np.empty((2, most), np.float64),
    )
