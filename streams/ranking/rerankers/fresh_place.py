"""A place for something new: what nobody has met yet can't earn one by its counters."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from streams.ranking.draft import Draft
from streams.ranking.request import RankRequest
from streams.state.catalog import Catalog


class FreshPlace:
    """`source`: the column of the source of new items, -1 where there is none."""

    def __init__(self, catalog: Catalog, source: int) -> None:
        self.catalog, self.source = catalog, source

    def enable(self, request: RankRequest) -> bool:
        return self.source >= 0 and request.plan.settings.feed.fresh_place > 0

    def rerank(self, draft: Draft, chosen: NDArray[np.intp], order: NDArray[np.intp]) -> NDArray[np.intp]:
        """Where no item that the source brought within its half-life is on the slate, the newest of them
        takes the place `feed.fresh_place` (from 1).
        """
        settings = draft.request.plan.settings
        place, size = settings.feed.fresh_place, len(chosen)
        if place > size or len(order) <= size:
            return chosen
        since_ms = draft.now_ms - settings.candidates.fresh_half_life_s * 1_000
        ranks = draft.ranks[:, self.source]
        brought = (ranks > 0) & (self.catalog.added_ms.take(draft.rows) >= since_ms)
        if brought[chosen].any():
            return chosen
        there = order[brought[order]]
        if not len(there):
            return chosen
        newest = there[np.argmin(ranks[there])]
        moved = chosen.copy()
        moved[place - 1], moved[place:] = newest, chosen[place - 1 : -1]
        return moved
