"""New items, so that they get a chance before anyone has met them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from streams.ranking.candidates.context import BatchContext
from streams.ranking.candidates.first_free import first_free
from streams.ranking.candidates.lists import Lists
from streams.state.catalog import Catalog

WINDOW = 4  # times as many of the items that were met last are looked at as may be brought
KEPT = 4  # windows whose order is kept: one for each limit in use


class Fresh:
    """The newest first, by when an item was announced or met; ties go to the lower row. The order is kept
    until an item comes or its date changes.
    """

    name = "fresh"

    def __init__(self) -> None:
        self._orders: dict[int, NewestFirst] = {}

    def find_all(self, context: BatchContext, chosen: NDArray[np.int64], lists: Lists) -> None:
        asks = context.asks.columns
        oldest, limits = context.now_ms - asks.life_ms, asks.limits[chosen]
        different = set(limits.tolist())
        for limit in different:
            newest = self._newest(context.catalog, WINDOW * limit)
            asking = chosen if len(different) == 1 else chosen[limits == limit]
            newer = newest.negative_ms.searchsorted(-oldest)
            first_free(newest.rows, newer, context.blocked, asking, *lists)

    def _newest(self, catalog: Catalog, window: int) -> NewestFirst:
        """The order of the last `window` items."""
        kept = self._orders.pop(window, None)
        if kept is None or not kept.holds(catalog):
            kept = NewestFirst(catalog, window)
        self._orders[window] = kept
        if len(self._orders) > KEPT:
            del self._orders[next(iter(self._orders))]  # the one that was asked for longest ago
        return kept


class NewestFirst:
    """The last `window` items, the newest first: rows int32 [n]; negative_ms float64 [n]: minus when they
    came, so that it rises.
    """

    def __init__(self, catalog: Catalog, window: int) -> None:
        self.items = len(catalog)
        self.first = max(0, self.items - window)
        self._dates = catalog.added_ms[self.first : self.items].copy()
        order = np.argsort(-self._dates, kind="stable")
        self.rows = (self.first + order).astype(np.int32)
        self.negative_ms = -self._dates[order].astype(np.float64)

    def holds(self, catalog: Catalog) -> bool:
        """Whether it is the order of these items as they are now."""
        dates = catalog.added_ms[self.first : self.items]
        return self.items == len(catalog) and bool((self._dates == dates).all())
