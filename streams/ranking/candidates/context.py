"""What candidate sources are given: the requests, the live counters, and what these say of each user.

Signals are read when they are first asked for, for many users in one go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.schema import F32
from streams.counters.counters import Counters
from streams.ranking.candidates.asks import BatchAsks
from streams.ranking.index.vector_index import VectorIndex
from streams.ranking.request import RankRequest
from streams.ranking.workspace import Workspace
from streams.signals.entity_signals import ENTITY_SIGNALS
from streams.signals.histories import Histories, histories
from streams.signals.pair_signals import SIGNALS, read_pairs
from streams.signals.readings import Readings
from streams.signals.signal_table import BatchSignals, SignalTable
from streams.signals.tastes import Tastes, tastes
from streams.state.catalog import Catalog
from streams.state.user_state import UserState

RECENT = 10  # items that make up the user's taste just now
NO_MASK = np.empty((0, 0), np.uint8)


class Learned(NamedTuple):
    """What one model retrieves by, for the requests `numbers`: the products of a user's vector, users
    [len(numbers), user_dim], with keys [n, user_dim] rank all items. searched: the index over the keys.
    """

    numbers: Sequence[int]
    users: F32
    keys: F32
    searched: VectorIndex


class BatchContext:
    """Of B requests, of which `now_ms` int64 [B] are the moments. `blocked` uint8 [B, n] is 1 for rows that
    may not be shown (`streams.ranking.filters`).

    `learned`: of each model that retrieves. `batch`: the number of the workspace's batch that this is.
    """

    def __init__(
        self,
        requests: Sequence[RankRequest],
        catalog: Catalog,
        counters: Counters,
        workspace: Workspace,
        batch: int,
    ) -> None:
        self.requests, self.catalog, self.counters = requests, catalog, counters
        self.workspace, self.batch = workspace, batch
        self.now_ms = np.array([each.now_ms for each in requests], np.int64)
        self.blocked, self.learned = NO_MASK, list[Learned]()
        self._pairs = BatchSignals(workspace.pairs, len(requests))
        self._entities = BatchSignals(workspace.shared, len(requests))
        self._one: dict[int, SourceContext] = {}
        # Plain fields for what is made when it is first asked for: `cached_property` takes a lock.
        self._histories: Histories | None = None
        self._asks: BatchAsks | None = None
        self._tastes: Tastes | None = None

    @property
    def histories(self) -> Histories:
        """What each user did, and says of it."""
        if self._histories is None:
            self._histories = histories(
                [each.state for each in self.requests], self.counters.popularity, self.counters.meanings
            )
        return self._histories

    @property
    def asks(self) -> BatchAsks:
        """What the requests ask of sources and blend."""
        if self._asks is None:
            self._asks = self.workspace.asks.of(self.requests)
        return self._asks

    @property
    def tastes(self) -> Tastes:
        """What the users like by the texts of their last items."""
        if self._tastes is None:
            self._tastes = tastes(self.histories, self.catalog.text, RECENT)
        return self._tastes

    def pairs(self, chosen: NDArray[np.int64]) -> BatchSignals:
        """What the pair counts say of items, given the histories of these requests' users, int64 [...]."""
        self._alive()
        unread = self._pairs.unread(chosen)
        if len(unread):
            pairs = self.counters.pairs
            ages = {each.now_ms: pairs.age(each.now_ms) for each in self.requests}
            read_pairs(
                self._pairs, pairs, self.counters.popularity.total, self.histories, unread,
                self.asks.columns.longest,
                np.array([ages[each.now_ms] for each in self.requests], np.float32), self.workspace.places,
            )  # fmt: skip
        return self._pairs

    def entities(self, chosen: NDArray[np.int64]) -> BatchSignals | None:
        """What the knowledge graph says of items, given the users' last ones; None without a graph."""
        graph = self.workspace.entities
        if graph is None:
            return None
        self._alive()
        unread = self._entities.unread(chosen)
        if len(unread):
            graph.read(self._entities, self.histories, unread, RECENT, self.workspace.places)
        return self._entities

    def of(self, b: int) -> SourceContext:
        """What a source is given of request b alone."""
        if b not in self._one:
            self._one[b] = SourceContext(self, b)
        return self._one[b]

    def keep(self, requests: Sequence[RankRequest], numbers: Sequence[int]) -> BatchContext:
        """What is known of the users of these requests, for `requests`, which ask for them; no source finds
        for these.
        """
        kept = BatchContext(requests, self.catalog, self.counters, self.workspace, self.batch)
        kept._pairs, kept._entities = self._pairs.keep(numbers), self._entities.keep(numbers)
        return kept

    def _alive(self) -> None:
        """Where a later batch has taken the workspace's tables, what is asked for now goes to tables of its
        own.
        """
        if self.batch != self.workspace.batch:
            self._pairs = BatchSignals(SignalTable(SIGNALS), len(self.requests))
            self._entities = BatchSignals(SignalTable(ENTITY_SIGNALS), len(self.requests))
            self.batch = self.workspace.batch


@dataclass(frozen=True)
class SourceContext:
    """Of one request, number `number` in `batch`: for a source that finds for one at a time."""

    batch: BatchContext
    number: int

    @property
    def request(self) -> RankRequest:
        """What is asked for."""
        return self.batch.requests[self.number]

    @property
    def catalog(self) -> Catalog:
        """All items."""
        return self.batch.catalog

    @property
    def counters(self) -> Counters:
        """As they stand."""
        return self.batch.counters

    @property
    def blocked(self) -> NDArray[np.uint8]:
        """1 for rows that may not be shown: [n]."""
        mask: NDArray[np.uint8] = self.batch.blocked[self.number]
        return mask

    @property
    def state(self) -> UserState:
        """The user."""
        return self.request.state

    @property
    def now_ms(self) -> int:
        """The moment."""
        return self.request.now_ms

    @property
    def limit(self) -> int:
        """How many rows a source may bring."""
        return int(self.batch.asks.columns.limits[self.number])

    @cached_property
    def history(self) -> NDArray[np.int32]:
        """Rows of the user's last items, newest first."""
        histories = self.batch.histories
        return histories.items[histories.part(self.number)]

    @cached_property
    def pairs(self) -> Readings:
        """What the pair counts say of items, given the history."""
        return self.batch.pairs(self._alone).of(self.number)

    @cached_property
    def entities(self) -> Readings | None:
        """What the knowledge graph says of items, given the last ones; None where there is no graph."""
        found = self.batch.entities(self._alone)
        return None if found is None else found.of(self.number)

    @property
    def _alone(self) -> NDArray[np.int64]:
        return np.array([self.number], np.int64)
