"""All counters that an interaction updates: popularity, pairs, and what reviews say of items."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from streams.counters.aspects import Aspects
from streams.counters.gradual_copy import GradualCopy
from streams.counters.pairs import PairTable
from streams.counters.popularity import Popularity
from streams.counters.settings import CounterSettings
from streams.state.action_meaning import BUILT_IN, Meanings
from streams.state.user_state import Interaction


class Counters:
    """Live counters over item rows; a deterministic fold of interactions and impressions."""

    def __init__(self, settings: CounterSettings, meanings: Meanings = BUILT_IN) -> None:
        self.settings, self.meanings = settings, meanings
        self.popularity = Popularity(settings)
        self.pairs = PairTable(settings)
        self.aspects = Aspects()
        self.interactions = 0
        self.copying: GradualCopy | None = None
        """Is told of each row before it changes."""

    def grow(self, items: int) -> None:
        """Make room for `items` rows."""
        self.popularity.grow(items)
        self.pairs.grow(items)

    def make_room(self, rows: int) -> None:
        """Make room for so many rows, of which those behind the items have no counts."""
        self.popularity.make_room(rows)

    def observe(self, interaction: Interaction) -> None:
        """Count one applied click or review, as far as its share goes. One that has none leaves no rating."""
        if self.copying is not None:
            parts = ([interaction.row], interaction.previous, interaction.following)
            self.copying.before(np.concatenate(parts).astype(np.int32))
        weight = interaction.share * self.meanings.weight(interaction.action, interaction.rating)
        rating = interaction.rating if interaction.share > 0.0 else math.nan
        self.interactions += 1
        self.popularity.observe(interaction.row, interaction.ts, weight, rating)
        self.pairs.observe(interaction.row, interaction.previous, interaction.tied, interaction.ts, weight)
        if len(interaction.following):
            self.pairs.precede(interaction.row, interaction.following, interaction.ts, weight)

    def show(self, rows: NDArray[np.int32]) -> None:
        """Count one impression of each of `rows`."""
        if self.copying is not None:
            self.copying.before(rows)
        self.popularity.show(rows)
