"""What items can be filtered and counted by: categories, tags, attributes and prices, as sets of rows and a
column.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.state.category_paths import steps_above
from streams.state.row_numbers import RowNumbers

Facet = tuple[str, str, str]
"""The kind ("category", "level", "tag" or "attribute"), an attribute's name ("" for the others), and the
value. A level is a step above an item's categories that is none of them itself.
"""
Field = tuple[str, str]
"""A facet's kind and name."""

TYPE = "i"  # of an array of int32
FEW = 16  # rows that may have left a facet before its array is made anew


class ItemFacets(NamedTuple):
    """Of one item."""

    categories: tuple[str, ...]
    tags: tuple[str, ...]
    attributes: dict[str, str]
    price: float | None


class Facets:
    """`prices[n]` float64, NaN where an item has none. An item that is put again has its new facets alone.

    A facet has a number and an array of its rows; `numbers`: of each item those of its facets. With a million
    items, sets and tuples would take half a gigabyte.
    """

    def __init__(self) -> None:
        self.prices = np.empty(0, np.float64)
        self._numbers: dict[Facet, int] = {}
        self._facets: list[Facet] = []
        self._rows: list[_Rows] = []
        self._of_field: dict[Field, array[int]] = {}
        self._above: dict[str, list[str]] = {}
        self.numbers = RowNumbers()

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
        numbers = [self._number("category", "", value) for value in categories]
        numbers += [self._number("tag", "", value) for value in tags]
        numbers += [self._number("attribute", *pair) for pair in attributes.items()]
        for value in categories:
            for step in self._above.get(value, ()):
                if step not in categories:
                    numbers.append(self._number("level", "", step))
        its = list(dict.fromkeys(numbers))
        before = self.numbers.of(row)
        if its == before:
            return
        for number in before:
            self._rows[number].discard(row)
        for number in its:
            self._rows[number].add(row)
        self.numbers.put(row, its)

    def _number(self, kind: str, name: str, value: str) -> int:
        facet = (kind, name, value)
        number = self._numbers.get(facet)
        if number is None:
            number = self._numbers[facet] = len(self._rows)
            self._rows.append(_Rows())
            self._facets.append(facet)
            self._of_field.setdefault((kind, name), array(TYPE)).append(number)
            if kind == "category" and (above := steps_above(value)):
                self._above[value] = above
        return number

    def __len__(self) -> int:
        """How many facets any item has had: their numbers go from 0 on."""
        return len(self._facets)

    def fields(self) -> list[Field]:
        """Those of all facets, in the order in which they were met."""
        return list(self._of_field)

    def numbers_of(self, field: Field) -> NDArray[np.int32]:
        """The numbers of all facets of a field."""
        return np.array(self._of_field.get(field, ()), np.int32)

    def number_of(self, facet: Facet) -> int:
        """-1 where no item has had it."""
        return self._numbers.get(facet, -1)

    def values(self, numbers: Iterable[int]) -> list[str]:
        """The values of facets."""
        return [self._facets[number][2] for number in numbers]

    def of(self, row: int) -> ItemFacets:
        """What an item was last put with, in its order; nothing for one that was never put."""
        if row >= len(self.prices):
            return ItemFacets((), (), {}, None)
        facets = [self._facets[number] for number in self.numbers.of(row)]
        price = float(self.prices[row])
        return ItemFacets(
            tuple(value for kind, _, value in facets if kind == "category"),
            tuple(value for kind, _, value in facets if kind == "tag"),
            {name: value for kind, name, value in facets if kind == "attribute"},
            None if math.isnan(price) else price,
        )

    def having_any(self, facets: Iterable[Facet], items: int) -> NDArray[np.bool_]:
        """Which of the first `items` rows have at least one of `facets`: bool [items]."""
        found = np.zeros(items, np.bool_)
        for facet in facets:
            number = self._numbers.get(facet)
            if number is not None:
                rows = self._rows[number].known()
                found[rows[rows < items]] = True
        return found

    def in_categories(self, names: Iterable[str], items: int) -> NDArray[np.bool_]:
        """Which of the first `items` rows are in one of these categories, or in one below it, where the names
        of categories are paths: bool [items].
        """
        return self.having_any([(kind, "", name) for name in names for kind in ("category", "level")], items)

    def prices_of(self, rows: NDArray[np.integer]) -> NDArray[np.float64]:
        """Of each row: float64 [n]; NaN where it has none."""
        prices = np.full(len(rows), np.nan)
        known = rows < len(self.prices)
        prices[known] = self.prices[rows[known]]
        return prices

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


class _Rows:
    """The rows of a facet, in no order. Those that left stand in `left` too, until the array is made anew."""

    __slots__ = ("left", "rows")

    def __init__(self) -> None:
        self.rows = array(TYPE)
        self.left: set[int] = set()

    def add(self, row: int) -> None:
        if row in self.left:
            self.left.discard(row)
        else:
            self.rows.append(row)

    def discard(self, row: int) -> None:
        self.left.add(row)
        if len(self.left) > FEW + len(self.rows) // 2:
            self._tidy()

    def known(self) -> NDArray[np.int32]:
        """Them; not to be kept: while an array is looked at, it can't grow."""
        if self.left:
            self._tidy()
        return np.frombuffer(self.rows, np.int32)

    def _tidy(self) -> None:
        rows, left = np.frombuffer(self.rows, np.int32), np.fromiter(self.left, np.int32, len(self.left))
        self.rows = array(TYPE, rows[~np.isin(rows, left)].tobytes())
        self.left = set()
