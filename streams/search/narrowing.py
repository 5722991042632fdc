"""A filter in its parts, one for each field that it speaks of: a facet counts as if its own were not there.

So a chosen brand does not empty the list of brands, and each count is what choosing that value would find.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.ranking.filters.asked_parts import NO_FIELD, Mask, Part, asked_parts
from streams.ranking.request import ItemFilter
from streams.search.prices import PriceWords
from streams.state.catalog import Catalog

NONE, SEVERAL = -1, -2
"""In `Narrowed.failed`: an item that passes all parts, and one that fails more than one."""


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
    """One for each field that the filter speaks of, and one for all that is no field's own. exclude: rows
    that are left out. prices: what the query says of them.
    """
    items = len(catalog)
    by_field = dict[str, Part]()
    for part in (*asked_parts(catalog, asked), *_besides(catalog, exclude, prices)):
        known = by_field.get(part.field)
        by_field[part.field] = (
            part if known is None else Part(part.field, known.fits & part.fits, known.chosen + part.chosen)
        )
    if asked.available:
        by_field["available"] = Part("available", catalog.available[:items], ("true",))
    return list(by_field.values())


def _besides(catalog: Catalog, exclude: Sequence[int], prices: PriceWords | None) -> Iterator[Part]:
    """What narrows a search beside its filter."""
    items = len(catalog)
    if prices is not None and prices.bounded:
        yield Part(NO_FIELD, catalog.facets.priced(prices.low, prices.high, items))
    if exclude:
        kept = np.ones(items, np.bool_)
        rows = np.array(exclude, np.int64)
        kept[rows[rows < items]] = False
        yield Part(NO_FIELD, kept)
