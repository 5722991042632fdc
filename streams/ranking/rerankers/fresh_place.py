"""A place for something new: what nobody has met yet can't earn one by its counters."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
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
        newest = _newest(draft.ranks, self.source, draft.rows, self.catalog.added_ms, since_ms, chosen, order)
        if newest < 0:
            return chosen
        moved = chosen.copy()
        moved[place - 1], moved[place:] = newest, chosen[place - 1 : -1]
        return moved


@compiled
def _newest(
    ranks: NDArray[np.int32],
    source: int,
    rows: NDArray[np.int32],
    added_ms: NDArray[np.int64],
    since_ms: float,
    chosen: NDArray[np.intp],
    order: NDArray[np.intp],
) -> int:
    """Which of the candidates in `order` the source has brought before all others that are not older than
    `since_ms`; -1 for none, and where one that is not older is among the `chosen`.
    """
    newest, best = -1, np.iinfo(np.int32).max
    for k in order:
        if 0 < ranks[k, source] < best and added_ms[rows[k]] >= since_ms:
            newest, best = k, ranks[k, source]
    for k in chosen if newest >= 0 else chosen[:0]:
        if ranks[k, source] > 0 and added_ms[rows[k]] >= since_ms:
            return -1
    return newest
