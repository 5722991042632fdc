"""Facets beside a count by hand: each value as often as a search would find that asks for it, too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.errors import RequestError
from streams.ranking.attribute_expression import parse
from streams.ranking.request import ItemFilter
from streams.search.facets import FoundFacet, found_facets
from streams.search.narrowing import narrowed, parts_of
from streams.state.catalog import Catalog, ItemRecord

PATHS = ("Home", "Home > Kitchen", "Home > Kitchen > Knives", "Home > Garden", "鞋›跑步鞋", "Women/Men")
BRANDS, COLOURS = ("Sony", "JBL", "安踏"), ("red", "blue")
FIELDS = (
    "categories", "categories.1", "categories.2", "tags", "available", "attributes.brand",
    "attributes.colour",
)  # fmt: skip


class Thing(NamedTuple):
    """One item, by hand."""

    categories: list[str]
    tags: list[str]
    attributes: dict[str, str]
    price: float | None
    available: bool

    @property
    def steps(self) -> set[str]:
        """Its categories, and what they lie in."""
        found = {*self.categories}
        for category in self.categories:
            for mark in (" > ", "›"):
                parts = category.split(mark)
                found |= {mark.join(parts[:n]) for n in range(1, len(parts))}
        return found


def depth(category: str) -> int:
    return category.count(" > ") + category.count("›") + 1


class Asked(NamedTuple):
    """A filter, field by field. `brand`, `colour`: values that will do, none for any."""

    categories: list[str]
    tags: list[str]
    brand: list[str]
    colour: list[str]
    price: tuple[float, float] | None
    available: bool
    mixed: bool

    def as_filter(self) -> ItemFilter:
        parts = [
            "(" + " or ".join(f'{name}:"{value}"' for value in values) + ")"
            for name, values in (("brand", self.brand), ("colour", self.colour))
            if values
        ]
        parts += ['(brand:"Sony" or not colour:"red")'] if self.mixed else []
        low, high = self.price or (None, None)
        return ItemFilter(
            tuple(self.categories), tuple(self.tags), {}, low, high, self.available,
            parse(" and ".join(parts)) if parts else None,
        )  # fmt: skip

    def fields(self) -> Mapping[str, Callable[[Thing], bool]]:
        """Whether an item passes what the filter says of a field."""
        low, high = self.price or (-1.0, np.inf)
        return {
            "categories": lambda it: not self.categories or not it.steps.isdisjoint(self.categories),
            "attributes.brand": lambda it: not self.brand or it.attributes.get("brand") in self.brand,
            "attributes.colour": lambda it: not self.colour or it.attributes.get("colour") in self.colour,
            "price": lambda it: self.price is None or (it.price is not None and low <= it.price <= high),
            "available": lambda it: it.available or not self.available,
            "": lambda it: {*self.tags} <= {*it.tags} and (
                not self.mixed or it.attributes.get("brand") == "Sony" or it.attributes.get("colour") != "red"
            ),
        }  # fmt: skip

    def passes(self, it: Thing, but: str) -> bool:
        return all(fits(it) for name, fits in self.fields().items() if name != but)


def few(values: Any, most: int = 2) -> Any:
    return st.lists(st.sampled_from(values), max_size=most, unique=True)


THINGS = st.builds(
    Thing,
    few(PATHS),
    few(["new", "sale", "eco"]),
    st.fixed_dictionaries(
        {}, optional={"brand": st.sampled_from(BRANDS), "colour": st.sampled_from(COLOURS)}
    ),
    st.one_of(st.none(), st.integers(0, 40).map(float)),
    st.booleans(),
)
ASKED = st.builds(
    Asked,
    few(PATHS),
    few(["new", "sale"], 1),
    few(BRANDS),
    few(COLOURS, 1),
    st.one_of(
        st.none(),
        st.tuples(st.integers(0, 20), st.integers(20, 40)).map(lambda p: (float(p[0]), float(p[1]))),
    ),
    st.booleans(),
    st.booleans(),
)


def catalog_of(things: list[Thing]) -> Catalog:
    catalog = Catalog()
    catalog.extend([f"i{row}" for row in range(len(things))])
    for row, it in enumerate(things):
        catalog.put(
            row,
            ItemRecord(
                f"i{row}", 1, it.available, categories=it.categories, tags=it.tags, price=it.price,
                attributes=it.attributes,
            ),
        )  # fmt: skip
    return catalog


def facets_of(
    things: list[Thing], asked: Asked, fields: tuple[str, ...], most: int, rows: list[int] | None = None
) -> dict[str, FoundFacet]:
    catalog, within = catalog_of(things), asked.as_filter()
    found = np.array(range(len(things)) if rows is None else rows, np.int32)
    left = narrowed(found, parts_of(catalog, within))
    return {each.field: each for each in found_facets(catalog, found, left, within, fields, most)}


def own_of(field: str, asked: Asked) -> str:
    if not field.startswith("categories."):
        return field
    level = int(field[-1])
    return "categories" if any(depth(each) >= level for each in asked.categories) else "nothing"


def values_of(field: str, it: Thing) -> set[str]:
    if field == "tags":
        return {*it.tags}
    if field == "available":
        return {str(it.available).lower()}
    if field.startswith("attributes."):
        value = it.attributes.get(field.removeprefix("attributes."))
        return set() if value is None else {value}
    level = int(field[-1]) if field[-1].isdigit() else 0
    return {step for step in it.steps if level in (0, depth(step))}


def counted_by_hand(things: list[Thing], asked: Asked, field: str) -> Counter[str]:
    own = own_of(field, asked)
    return Counter(value for it in things if asked.passes(it, own) for value in values_of(field, it))


@given(st.lists(THINGS, max_size=25), ASKED, st.data())
def test_each_value_counts_what_it_would_find(things: list[Thing], asked: Asked, data: st.DataObject) -> None:
    rows = sorted(data.draw(st.sets(st.integers(0, max(len(things) - 1, 0))))) if things else []
    found = facets_of(things, asked, FIELDS, 100, rows)
    chosen = [things[row] for row in rows]
    for field in FIELDS:
        told = {each.value: each.items for each in found[field].values if each.items}
        assert told == dict(counted_by_hand(chosen, asked, field)), field
        order = [(-each.items, each.value) for each in found[field].values]
        assert order == sorted(order)
        assert found[field].more == 0


@given(st.lists(THINGS, min_size=1, max_size=25), ASKED, st.integers(1, 3))
def test_few_values_are_the_most_frequent_and_those_that_are_chosen(
    things: list[Thing], asked: Asked, most: int
) -> None:
    found = facets_of(things, asked, FIELDS, most)
    for field in FIELDS:
        every = counted_by_hand(things, asked, field)
        best = sorted(every, key=lambda value: (-every[value], value))[:most]
        told = [each.value for each in found[field].values]
        assert {*best} <= {*told}
        assert all(each.chosen for each in found[field].values if each.value not in best)
        assert found[field].more == len(every) - sum(1 for each in found[field].values if each.items)
    chosen = {each.value for each in found["attributes.brand"].values if each.chosen}
    assert chosen == {*asked.brand}


@given(st.lists(THINGS, max_size=40), ASKED)
def test_a_range_of_prices_finds_as_many_as_it_says(things: list[Thing], asked: Asked) -> None:
    prices = facets_of(things, asked, ("price",), 10)["price"].prices
    assert prices is not None
    known = sorted(it.price for it in things if asked.passes(it, "price") and it.price is not None)
    assert (prices.low, prices.high) == ((known[0], known[-1]) if known else (None, None))
    assert sum(each.items for each in prices.ranges) == len(known)
    for each in prices.ranges:
        assert each.items == sum(each.low <= price <= each.high for price in known) > 0


@given(st.lists(THINGS, min_size=4, max_size=25), ASKED)
def test_everything_is_what_tells_items_apart(things: list[Thing], asked: Asked) -> None:
    numbered = [it._replace(attributes={**it.attributes, "sku": str(n)}) for n, it in enumerate(things)]
    found = facets_of(numbered, asked, ("attributes.sku", "*"), 100)
    named = facets_of(numbered, asked, (*FIELDS, "price", "attributes.sku"), 100)
    assert next(iter(found)) == "attributes.sku", "what is named comes first, whether it tells or not"
    for field, facet in found.items():
        assert facet == named[field]
    for field in ("tags", "attributes.brand", "attributes.colour"):
        counts = counted_by_hand(numbered, asked, field)
        if len(counts) > 1 and max(counts.values()) > 1:
            assert field in found
    del found["attributes.sku"]
    assert "attributes.sku" not in facets_of(numbered, asked, ("*",), 100)


def test_a_field_that_is_none_is_refused_in_words() -> None:
    with pytest.raises(RequestError, match=r"facets is 'colour'; expected categories, .* attributes.NAME"):
        facets_of([], Asked([], [], [], [], None, True, mixed=False), ("colour",), 10)
