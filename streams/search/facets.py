"""Facets: which values the found items have, and how many have each.

A value's count says what a search would find that asks for it too: items of the words and of the whole
filter, but for the field's own part of it (`streams.search.narrowing`). All that was found counts, whatever a
page shows.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.ranking.request import ItemFilter
from streams.search.facet_counting import Counts, counted
from streams.search.facet_fields import EVERYTHING, MOST_FIELDS, FacetField, facet_field
from streams.search.narrowing import NONE, Narrowed
from streams.search.price_ranges import PriceFacet, price_facet
from streams.state.catalog import Catalog
from streams.state.category_paths import level_of
from streams.state.facets import Field

MOST_ATTRIBUTES = 8
"""Attributes that are counted where all fields are asked for: those that most of the items have."""
LOOKED_AT = 64
"""Of all attributes, so many are looked at for those."""


class FacetValue(NamedTuple):
    """`items`: how many have it. `chosen`: whether the filter asks for it."""

    value: str
    items: int
    chosen: bool = False


class FoundFacet(NamedTuple):
    """`values`: the most frequent first, then by their names; those that are chosen are among them in any
    case. `more`: how many further values there are. `prices`: of the field "price", which has no values.
    """

    field: str
    values: Sequence[FacetValue] = ()
    more: int = 0
    prices: PriceFacet | None = None


def found_facets(
    catalog: Catalog,
    rows: NDArray[np.int32],
    narrowed: Narrowed,
    asked: ItemFilter,
    fields: Sequence[str],
    most: int,
) -> list[FoundFacet]:
    """The facets of `rows`, which the words have found, within a filter: one for each of `fields`, with
    `most` values at most. Raises `RequestError` for a field that is none.
    """
    named = [facet_field(name) for name in dict.fromkeys(fields)]
    counting = _Counting(catalog, rows, narrowed, asked, most)
    if EVERYTHING not in fields:
        return [counting.facet(each) for each in counting.count(named)]
    every = [facet_field(name) for name in ("categories", "tags", "price", "available")]
    attributes = [name for kind, name in catalog.facets.fields() if kind == "attribute" and name]
    every += [FacetField(f"attributes.{name}", "attribute", name) for name in attributes]
    first = [each for each in named if each.name != EVERYTHING]
    return counting.telling(first, [each for each in every if each not in first])


class _Counting:
    def __init__(
        self, catalog: Catalog, rows: NDArray[np.int32], narrowed: Narrowed, asked: ItemFilter, most: int
    ) -> None:
        self.catalog, self.facets, self.rows = catalog, catalog.facets, rows
        self.narrowed, self.asked, self.most = narrowed, asked, most
        self._counts: dict[str, Counts] = {}

    def count(self, fields: Sequence[FacetField]) -> Sequence[FacetField]:
        """Count them. Levels of categories may differ in what is their own: each of these is a pass."""
        passes: list[list[FacetField]] = [[each for each in fields if each.kind in ("tags", "attribute")]]
        passes += [[each] for each in fields if each.kind == "categories"]
        for chosen in filter(None, passes):
            by_part: dict[int, list[NDArray[np.int32]]] = {}
            for each in chosen:
                numbers = [self.facets.numbers_of(field) for field in _kinds(each)]
                by_part.setdefault(self._own(each), []).extend(numbers)
            own = {part: np.concatenate(numbers) for part, numbers in by_part.items()}
            counts = counted(self.facets, self.rows, self.narrowed, own)
            self._counts.update({each.name: counts for each in chosen})
        return fields

    def telling(self, first: Sequence[FacetField], others: Sequence[FacetField]) -> list[FoundFacet]:
        """The facets of `first`, and of others that tell items apart: where two values are there, of which
        one has several items. Of attributes, those that most items have.
        """
        self.count([*first, *others])
        found = [self.facet(each) for each in others if each.kind != "attribute"]
        attributes = [each for each in others if each.kind == "attribute"]
        totals = {each.name: int(self._of(each)[1].sum()) for each in attributes}
        attributes.sort(key=lambda each: (-totals[each.name], each.name))
        looked_at = attributes[:LOOKED_AT]
        of_attributes = (facet for each in looked_at if _tells(facet := self.facet(each)))
        telling = [each for each in found if _tells(each)] + list(islice(of_attributes, MOST_ATTRIBUTES))
        return [*(self.facet(each) for each in first), *telling][:MOST_FIELDS]

    def facet(self, field: FacetField) -> FoundFacet:
        if field.kind == "price":
            passing = self.rows[self.narrowed.passes(self._own(field))]
            return FoundFacet(field.name, prices=price_facet(self.facets.prices_of(passing)))
        if field.kind == "available":
            passing = self.rows[self.narrowed.passes(self._own(field))]
            there = int(np.count_nonzero(self.catalog.available[passing]))
            counts = {"true": there, "false": len(passing) - there}
        else:
            counts = self._values(field)
        chosen = self._chosen(field)
        best = _most_frequent({value: n for value, n in counts.items() if n}, self.most)
        best += [value for value in dict.fromkeys(chosen) if value not in best]
        values = [FacetValue(value, counts.get(value, 0), value in chosen) for value in best]
        values.sort(key=lambda each: (-each.items, each.value))
        there = sum(1 for n in counts.values() if n)
        return FoundFacet(field.name, values, there - sum(1 for each in values if each.items))

    def _of(self, field: FacetField) -> tuple[NDArray[np.int32], Counts]:
        """The numbers of its facets that some item has, and how many have each."""
        numbers = np.concatenate([self.facets.numbers_of(each) for each in _kinds(field)])
        counts = self._counts[field.name][numbers]
        return numbers[counts > 0], counts[counts > 0]

    def _values(self, field: FacetField) -> dict[str, int]:
        numbers, counts = self._of(field)
        found: dict[str, int] = {}
        for value, n in zip(self.facets.values(numbers.tolist()), counts.tolist(), strict=True):
            if not field.level or level_of(value) == field.level:
                found[value] = found.get(value, 0) + n
        return found

    def _own(self, field: FacetField) -> int:
        """The part of the filter that is this field's own. A category that is chosen narrows the levels below
        it, and is no level's own but that of its own and those above.
        """
        if field.level and not any(level_of(each) >= field.level for each in self.asked.categories):
            return NONE
        return self.narrowed.own(field.root)

    def _chosen(self, field: FacetField) -> Sequence[str]:
        if field.kind == "tags":
            return self.asked.tags
        if field.kind == "categories":
            return [each for each in self.asked.categories if field.level in (0, level_of(each))]
        return [each for part in self.narrowed.parts if part.field == field.name for each in part.chosen]


def _kinds(field: FacetField) -> list[Field]:
    """The facets of an item that are its values."""
    if field.kind == "attribute":
        return [("attribute", field.attribute)]
    return [("tag", "")] if field.kind == "tags" else [("category", ""), ("level", "")]


def _tells(facet: FoundFacet) -> bool:
    if facet.prices is not None:
        return len(facet.prices.ranges) > 1
    counts = [each.items for each in facet.values if each.items]
    if facet.field != "available" and any(each.chosen for each in facet.values):
        return True
    return len(counts) + facet.more > 1 and max(counts, default=0) > 1


def _most_frequent(counts: dict[str, int], most: int) -> list[str]:
    return heapq.nsmallest(most, counts, key=lambda value: (-counts[value], value))
