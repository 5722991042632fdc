"""What items can be filtered by: categories, tags, attributes and prices, as sets of rows and a column."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Facet = tuple[str, str, str]
"""The kind ("category", "tag" or "attribute"), an attribute's name ("" for the others), and the value."""


class Facets:
    """`prices[n]` float64, NaN where an item has none. An item that is put again has its new facets alone."""

    def __init__(self) -> None:
        self.prices = np.empty(0, np.float64)
        self._rows: dict[Facet, set[int]] = {}
        self._of: dict[int, tuple[Facet, ...]] = {}
        self._arrays: dict[Facet, NDArray[np.int64]] = {}

    def put(
        self,
        row: int,
        categories: Sequence[str],
        tags: Sequence[str],
        attributes: Mapping[str, str],
        price: float | None,
    ) -> None:
        """Note what an item now is."""
        if row >= len(self.prices):
            room = np.full(max(row + 1 - len(self.prices), len(self.prices) // 2, 64), np.nan)
            self.prices = np.concatenate([self.prices, room])
        self.prices[row] = np.nan if price is None else price
        for facet in self._of.get(row, ()):
            rows = self._rows[facet]
            rows.discard(row)
            self._arrays.pop(facet, None)
            if not rows:
                del self._rows[facet]
        facets = tuple(
            {
                *(("category", "", value) for value in categories),
                *(("tag", "", value) for value in tags),
                *(("attribute", *pair) for pair in attributes.items()),
            }
        )
        for facet in facets:
            self._rows.setdefault(facet, set()).add(row)
            self._arrays.pop(facet, None)
        if facets:
            self._of[row] = facets
        else:
            self._of.pop(row, None)

    def having_any(self, facets: Iterable[Facet], items: int) -> NDArray[np.bool_]:
        """Which of the first `items` rows have at least one of `facets`: bool [items]."""
        found = np.zeros(items, np.bool_)
        for facet in facets:
            rows = self._array(facet)
            found[rows[rows < items]] = True
        return found

    def _array(self, facet: Facet) -> NDArray[np.int64]:
        """The rows of a facet, made once for all requests until an item gains or loses it."""
        if facet not in self._rows:
            return np.empty(0, np.int64)
        if facet not in self._arrays:
            self._arrays[facet] = np.fromiter(self._rows[facet], np.int64, len(self._rows[facet]))
        return self._arrays[facet]

    def priced(self, low: float | None, high: float | None, items: int) -> NDArray[np.bool_]:
        """Which of the first `items` rows have a price within the bounds, both included: bool [items]."""
        prices = np.full(items, np.nan, np.float64)
        known = min(items, len(self.prices))
        prices[:known] = self.prices[:known]
        within: NDArray[np.bool_] = np.isfinite(prices)
        if low is not None:
            within &= prices >= low
        if high is not None:
            within &= prices <= high
        return within
