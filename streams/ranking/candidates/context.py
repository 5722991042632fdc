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
from streams.state.catalog import Catalog
from streams.state.user_state import UserState

RECENT = 10  # items that make up the user's taste just now


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
    known already.
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
    def liking(self) -> NDArray[np.float32]:
        """How far each history item's rating lies above what was to be expected of user and item, newest
        first; 0 without one.
        """
        lean = self.lean or rating_bias(self.state, self.counters.popularity)
        return np.nan_to_num(lean.liking)

    @cached_property
    def taste(self) -> NDArray[np.float32]:
        """Unit mean of the text vectors of the last items, [text_dim]; zero where none has text."""
        recent = self.catalog.text[self.history[:RECENT]]
        mean = recent.sum(axis=0)
        length = math.sqrt(float(mean @ mean))
        return np.asarray(mean / length if length > 0 else mean, np.float32)
