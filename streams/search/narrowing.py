"""A filter in its parts, one for each field that it speaks of: a facet counts as if its own were not there.

So a chosen brand does not empty the list of brands, and each count is what choosing that value would find.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.ranking.attribute_expression import Expression, matching
from streams.ranking.request import ItemFilter
from streams.search.prices import PriceWords
from streams.state.catalog import Catalog

NO_FIELD = ""
"""Of what narrows and is no facet's own: tags, of which an item has all; what is left out; what a query says
of prices; conditions over several attributes.
"""
NONE, SEVERAL = -1, -2
"""In `Narrowed.failed`: an item that passes all parts, and one that fails more than one."""

Mask = NDArray[np.bool_]


class Part(NamedTuple):
    """`field`: whose it is, as facets are named (`streams.search.facet_fields`). fits bool [items]. `chosen`:
    the values that it asks for.
    """

    field: str
    fits: Mask
    chosen: tuple[str, ...] = ()


class Narrowed(NamedTuple):
    """failed int8 [n]: the one part that each row fails, by its place in `parts`, `NONE` or `SEVERAL`."""

    parts: list[Part]
    failed: NDArray[np.int8]

    def own(self, field: str) -> int:
        """The place of the part that is this field's own; `NONE` where there is none."""
        return next((at for at, part in enumerate(self.parts) if part.field == field), NONE)

    def passes(self, but: int = NONE) -> Mask:
        """Which rows pass all parts but one: bool [n]."""
        passing: Mask = (self.failed == NONE) | (self.failed == but)
        return passing


def narrowed(rows: NDArray[np.int32], parts: Sequence[Part]) -> Narrowed:
    """Which part each of the rows fails."""
    failed = np.full(len(rows), NONE, np.int8)
    for at, part in enumerate(parts):
        out = ~part.fits[rows]
        failed[out] = np.where(failed[out] == NONE, at, SEVERAL)
    return Narrowed(list(parts), failed)


def parts_of(
    catalog: Catalog, asked: ItemFilter, exclude: Sequence[int] = (), prices: PriceWords | None = None
) -> list[Part]:
    """One for each field that the filter speaks of. exclude: rows that are left out. prices: what the query
    says of them.
    """
    items, facets = len(catalog), catalog.facets
    parts = list[Part]()
    base = _base(catalog, asked, exclude, prices)
    if asked.available:
        parts.append(Part("available", catalog.available[:items], ("true",)))
    if asked.categories:
        parts.append(Part("categories", facets.in_categories(asked.categories, items), asked.categories))
    if asked.price_from is not None or asked.price_to is not None:
        parts.append(Part("price", facets.priced(asked.price_from, asked.price_to, items)))

    def having(name: str, value: str) -> Mask:
        return facets.having_any([("attribute", name, value)], items)

    by_field = dict[str, Part]()
    for each in _conditions(asked):
        names = {name for name, _ in _leaves(each)}
        field = f"attributes.{names.pop()}" if len(names) == 1 else NO_FIELD
        part = Part(field, matching(each, having), tuple(value for _, value in _leaves(each, wanted=True)))
        if field == NO_FIELD:
            base.append(part.fits)
        elif field in by_field:
            known = by_field[field]
            by_field[field] = Part(field, known.fits & part.fits, known.chosen + part.chosen)
        else:
            by_field[field] = part
    parts += by_field.values()
    if base:
        parts.append(Part(NO_FIELD, np.logical_and.reduce(base)))
    return parts


def _base(
    catalog: Catalog, asked: ItemFilter, exclude: Sequence[int], prices: PriceWords | None
) -> list[Mask]:
    items, facets = len(catalog), catalog.facets
    base = [facets.having_any([("tag", "", tag)], items) for tag in asked.tags]
    if prices is not None and prices.bounded:
        base.append(facets.priced(prices.low, prices.high, items))
    if exclude:
        kept = np.ones(items, np.bool_)
        rows = np.array(exclude, np.int64)
        kept[rows[rows < items]] = False
        base.append(kept)
    return base


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
