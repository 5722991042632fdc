"""What every candidate source is given: one request, the live counters, and what they say of its user."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.counters.counters import Counters
from streams.ranking.index.vector_index import VectorIndex
from streams.ranking.request import RankRequest
from streams.ranking.workspace import Workspace
from streams.signals.rating_bias import RatingBias, rating_bias
from streams.signals.readings import Readings
from streams.state.catalog import Catalog
from streams.state.user_state import UserState

RECENT = 10  # items that make up the user's taste just now
AWAY = 0.5  # how far taste goes from what was not liked, for each step to what was
# How far it goes in pairs and entities where the rating was low: hardly. Who rates an item low has looked for
# items like it (dev/LOG.md). After a dislike (two stars below what was expected) it is 1.
LOW_AWAY = 0.1


class Learned(NamedTuple):
    """user [user_dim], keys [n, user_dim]: their products rank all items for the user. searched: the
    index over the keys.
    """

    user: NDArray[np.float32]
    keys: NDArray[np.float32]
    searched: VectorIndex


@dataclass(frozen=True)
class SourceContext:
    """`blocked[n]` uint8 is 1 for rows that may not be shown now (see `streams.ranking.filters`).

    `learned`: the model's vector of the user and its keys of all items, None where no model retrieves.
    `bias`: how the user rates, where that is known already.
    """

    request: RankRequest
    catalog: Catalog
    counters: Counters
    workspace: Workspace
    blocked: NDArray[np.uint8]
    learned: Learned | None = None
    bias: RatingBias | None = None

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
        return max(self.request.plan.settings.candidates.per_source, self.request.size)

    @cached_property
    def history(self) -> NDArray[np.int32]:
        """Rows of the user's last items, newest first."""
        return self.state.items[::-1].copy()

    @cached_property
    def tied(self) -> int:
        """How many of the newest items share the newest time: among them the order means nothing."""
        times = self.state.times
        return int((times == times[-1]).sum()) if len(times) else 0

    @cached_property
    def signs(self) -> NDArray[np.int8] | None:
        """What the user says of each history item, -1, 0 or 1, newest first; None where that is 1 of all."""
        state = self.state
        signs = self.request.plan.meanings.signs(state.items, state.actions, state.ratings)
        return None if signs is None else signs[::-1].copy()

    @cached_property
    def off(self) -> NDArray[np.float32] | None:
        """What of each history item's part is to be taken off again: 0 where it was liked, 1 where its user
        says neither, more where they did not like it; None where that is 0 of all.
        """
        if self.signs is None:
            return None
        stars = -self.request.plan.meanings.liking[self.state.actions[::-1]] / 2
        rated = ~np.isnan(self.state.ratings[::-1])
        away = np.where(rated, LOW_AWAY, np.clip(stars, LOW_AWAY, 1.0))
        return (1.0 + np.where(self.signs < 0, away, -self.signs)).astype(np.float32)

    @cached_property
    def liking(self) -> NDArray[np.float32]:
        """How far each history item's rating lies above what was to be expected of user and item, newest
        first; without a rating, what the action says; 0 for nothing.
        """
        bias = self.bias or rating_bias(
            self.state, self.counters.popularity, self.request.plan.meanings.liking
        )
        return np.nan_to_num(bias.liking)

    @cached_property
    def pairs(self) -> Readings:
        """What the pair counts say of items, given the history; read when it is first asked for."""
        length = self.request.plan.settings.candidates.history or len(self.history)
        table = self.workspace.pairs
        table.read(
            self.counters.pairs, self.counters.popularity.total, self.history[:length], self.liking[:length],
            self.tied, self.now_ms, None if self.off is None else self.off[:length],
        )  # fmt: skip
        return table.kept()

    @cached_property
    def entities(self) -> Readings | None:
        """What the knowledge graph says of items, given the last ones; None where there is no graph."""
        table = self.workspace.entities
        if table is None:
            return None
        off = None if self.off is None else self.off[:RECENT]
        table.read(self.history[:RECENT], self.liking[:RECENT], off)
        return table.kept()

    @cached_property
    def taste(self) -> NDArray[np.float32]:
        """Unit mean of the text vectors of the last items, [text_dim]; zero where none has text."""
        return _direction(self.catalog.text[self.history[:RECENT]])

    @cached_property
    def liked_taste(self) -> NDArray[np.float32]:
        """The same of the items that the user liked, away from those that they did not (Rocchio, 1971); zero
        where they liked none.
        """
        if self.signs is None:
            return self.taste
        signs, text = self.signs[:RECENT], self.catalog.text[self.history[:RECENT]]
        good = _direction(text[signs > 0])
        return _direction(np.stack([good, np.float32(-AWAY) * self.disliked_text])) if good.any() else good

    @cached_property
    def disliked_text(self) -> NDArray[np.float32]:
        """Unit mean of the text vectors of the last items that the user did not like."""
        if self.signs is None:
            return np.zeros(self.catalog.text.shape[1], np.float32)
        return _direction(self.catalog.text[self.history[:RECENT][self.signs[:RECENT] < 0]])


def _direction(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Unit mean, zero for none."""
    mean = vectors.sum(axis=0)
    length = math.sqrt(float(mean @ mean))
    return np.asarray(mean / length if length > 0 else mean, np.float32)
