"""What every candidate source and feature is given: one user, one moment, and the live counters."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.counters.counters import Counters
from streams.signals.entity_signals import EntitySignals
from streams.signals.pair_signals import Signals
from streams.signals.rating_bias import RatingBias, rating_bias
from streams.state.action_meaning import BUILT_IN, Meanings
from streams.state.catalog import Catalog
from streams.state.user_state import UserState

RECENT = 10  # items that make up the user's taste just now
AWAY = 0.5  # how far taste goes from what was not liked, for each step to what was
# How far it goes in pairs and entities where the rating was low: hardly. Who rates an item low has looked for
# items like it (dev/LOG.md). After a dislike (two stars below what was expected) it is 1.
LOW_AWAY = 0.1


class Learned(NamedTuple):
    """user [user_dim], keys [n, user_dim]: their products rank all items for the user."""

    user: NDArray[np.float32]
    keys: NDArray[np.float32]


@dataclass(frozen=True)
class Query:
    """`blocked[n]` uint8 is 1 for rows that may not be recommended to this user now (see
    `streams.ranking.filters`).

    `limit`: how many rows a source may bring. `learned`: the model's vector of the user and its keys of all
    items, where a model is in service. `searched`: the vector of what the user searches for, where they do.
    `entities`: what the knowledge graph says, where one is loaded. `lean`: how the user rates, where that is
    known already. `meanings`: what their actions mean.
    """

    state: UserState
    now_ms: int
    catalog: Catalog
    counters: Counters
    signals: Signals
    blocked: NDArray[np.uint8]
    limit: int
    learned: Learned | None = None
    searched: NDArray[np.float32] | None = None
    entities: EntitySignals | None = None
    lean: RatingBias | None = None
    meanings: Meanings = BUILT_IN

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
    def ages(self) -> NDArray[np.float64]:
        """What the decayed popularity counts are multiplied by to be as of now, [3]."""
        return self.counters.popularity.ages(self.now_ms)

    @cached_property
    def signs(self) -> NDArray[np.int8] | None:
        """What the user says of each history item, -1, 0 or 1, newest first; None where that is 1 of all."""
        signs = self.meanings.signs(self.state.items, self.state.actions, self.state.ratings)
        return None if signs is None else signs[::-1].copy()

    @cached_property
    def off(self) -> NDArray[np.float32] | None:
        """What of each history item's part is to be taken off again: 0 where it was liked, 1 where its user
        says neither, more where they did not like it; None where that is 0 of all.
        """
        if self.signs is None:
            return None
        said = -self.meanings.liking[self.state.actions[::-1]] / 2
        rated = ~np.isnan(self.state.ratings[::-1])
        away = np.where(rated, LOW_AWAY, np.clip(said, LOW_AWAY, 1.0))
        return (1.0 + np.where(self.signs < 0, away, -self.signs)).astype(np.float32)

    @cached_property
    def liking(self) -> NDArray[np.float32]:
        """How far each history item's rating lies above what was to be expected of user and item, newest
        first; without one what the action says; 0 for nothing.
        """
        lean = self.lean or rating_bias(self.state, self.counters.popularity, self.meanings.liking)
        return np.nan_to_num(lean.liking)

    @cached_property
    def taste(self) -> NDArray[np.float32]:
        """Unit mean of the text vectors of the last items, [text_dim]; zero where none has text."""
        return _direction(self.catalog.text[self.history[:RECENT]])

    @cached_property
    def liked_taste(self) -> NDArray[np.float32]:
        """The same of those that were liked, away from those that were not (Rocchio, 1971); zero where none
        was liked.
        """
        if self.signs is None:
            return self.taste
        signs, text = self.signs[:RECENT], self.catalog.text[self.history[:RECENT]]
        good = _direction(text[signs > 0])
        return _direction(np.stack([good, np.float32(-AWAY) * self.disliked_text])) if good.any() else good

    @cached_property
    def disliked_text(self) -> NDArray[np.float32]:
        """Unit mean of the text vectors of those of the last items that were not liked."""
        if self.signs is None:
            return np.zeros(self.catalog.text.shape[1], np.float32)
        return _direction(self.catalog.text[self.history[:RECENT][self.signs[:RECENT] < 0]])


def _direction(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Unit mean, zero for none."""
    mean = vectors.sum(axis=0)
    length = math.sqrt(float(mean @ mean))
    return np.asarray(mean / length if length > 0 else mean, np.float32)
