"""A filter in its parts: what an item must have, with the field that it speaks of, and which rows fit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.ranking.attribute_expression import Expression, matching
from streams.ranking.request import ItemFilter
from streams.state.catalog import Catalog

NO_FIELD = ""
"""Of a part that is no field's own: tags, of which an item has all; conditions over several attributes."""

Mask = NDArray[np.bool_]


class Part(NamedTuple):
    """`field`: whose it is, as facets are named (`streams.search.facet_fields`). fits bool [items]. `chosen`:
    the values that it asks for.
    """

    field: str
    fits: Mask
    chosen: tuple[str, ...] = ()


def asked_parts(catalog: Catalog, asked: ItemFilter) -> Iterator[Part]:
    """All of a filter but whether items can be had; a field may have several parts."""
    items, facets = len(catalog), catalog.facets
    if asked.categories:
        yield Part("categories", facets.in_categories(asked.categories, items), asked.categories)
    for tag in asked.tags:
        yield Part(NO_FIELD, facets.having_any([("tag", "", tag)], items))
    if asked.price_from is not None or asked.price_to is not None:
        yield Part("price", facets.priced(asked.price_from, asked.price_to, items))

    def having(name: str, value: str) -> Mask:
        return facets.having_any([("attribute", name, value)], items)

    for each in _conditions(asked):
        names = {name for name, _ in _leaves(each)}
        field = f"attributes.{names.pop()}" if len(names) == 1 else NO_FIELD
        yield Part(field, matching(each, having), tuple(value for _, value in _leaves(each, wanted=True)))


def _conditions(asked: ItemFilter) -> Iterator[Expression]:
    """What an item must have, each by itself: what stands between the outermost `and`s."""
    yield from (("is", name, value) for name, value in asked.attributes.items())
    waiting = [] if asked.expression is None else [asked.expression]
    while waiting:
        each = waiting.pop(0)
        if each[0] == "and":
            waiting = [*_inner(each), *waiting]
        else:
            yield each


def _leaves(expression: Expression, wanted: bool = False) -> list[tuple[str, str]]:
    """The names and values that an expression speaks of. wanted: without those that an item must not have."""
    if expression[0] == "is":
        return [(str(expression[1]), str(expression[2]))]
    if wanted and expression[0] == "not":
        return []
    return [leaf for each in _inner(expression) for leaf in _leaves(each, wanted)]


def _inner(expression: Expression) -> list[Expression]:
    return [each for each in expression[1:] if isinstance(each, tuple)]
