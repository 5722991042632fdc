"""New items, so that they get a chance before anyone has met them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from streams.ranking.candidates.context import BatchContext
from streams.ranking.candidates.first_free import take_free
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
        limits = asks.limits[chosen]
        different = set(limits.tolist())
        for limit in different:
            newest = self._newest(context.catalog, WINDOW * limit)
            asking = chosen if len(different) == 1 else chosen[limits == limit]
            _find(newest.rows, newest.came_ms, context.now_ms, asks.life_ms, context.blocked, asking, *lists)

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
    """The last `window` items, the newest first: rows int32 [n]; came_ms int64 [n]: when they came."""

    def __init__(self, catalog: Catalog, window: int) -> None:
        self.items = len(catalog)
        self.first = max(0, self.items - window)
        self._dates = catalog.added_ms[self.first : self.items].copy()
        order = np.argsort(-self._dates, kind="stable")
        self.rows = (self.first + order).astype(np.int32)
        self.came_ms = self._dates[order]

    def holds(self, catalog: Catalog) -> bool:
        """Whether it is the order of these items as they are now."""
        return self.items == len(catalog) and _same(catalog.added_ms[self.first : self.items], self._dates)


@compiled
def _same(dates: NDArray[np.int64], others: NDArray[np.int64]) -> bool:
    same = True
    for k in range(len(dates)):
        same &= dates[k] == others[k]
    return same


@compiled
def _find(
    newest: NDArray[np.int32],
    came_ms: NDArray[np.int64],
    now_ms: NDArray[np.int64],
    life_ms: NDArray[np.float64],
    blocked: NDArray[np.uint8],
    chosen: NDArray[np.int64],
    found: NDArray[np.int32],
    first: NDArray[np.int64],
    counts: NDArray[np.int64],
) -> None:
    """Bring the first of `newest` that are not blocked, as long as they are new. found to counts: `Lists`."""
    for b in chosen:
        end, oldest_ms = 0, now_ms[b] - life_ms[b]
        while end < len(newest) and came_ms[end] > oldest_ms:
            end += 1
        counts[b] = take_free(newest, end, blocked[b], found, first[b], first[b + 1])
