"""All that matches a search, within its filter, and what its facets count."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.schema import F32
from streams.ranking.request import ItemFilter
from streams.recommender import Recommender
from streams.search.facets import FoundFacet, found_facets
from streams.search.index import SearchIndex
from streams.search.matching import By, matching
from streams.search.narrowing import narrowed, parts_of
from streams.search.queries import Understood
from streams.search.wanted import Wanted


class Matches(NamedTuple):
    """rows int32 [n], ascending: of all items that match the words and the filter. `by`, `exact`: see
    `Matching`. `relaxed`: none lies within the prices that the query names, so they were left out.
    """

    rows: NDArray[np.int32]
    by: By
    exact: bool
    relaxed: bool
    facets: Sequence[FoundFacet] = ()


def matches(
    recommender: Recommender,
    index: SearchIndex,
    asked: Understood,
    vector: F32 | None,
    within: ItemFilter,
    exclude: Sequence[int],
    wanted: Wanted,
    relaxed: bool | None = None,
) -> Matches:
    """All that a query finds within a filter. relaxed: whether the prices that it names are left out; None to
    leave them out where they leave nothing. Raises `RequestError` for a facet that is none.
    """
    found = matching(recommender, index, asked, vector)
    prices = None if relaxed else asked.prices
    parts = parts_of(recommender.catalog, within, exclude, prices)
    left = narrowed(found.rows, parts)
    rows = found.rows[left.passes()]
    if relaxed is None and not len(rows) and asked.prices.bounded:
        return matches(recommender, index, asked, vector, within, exclude, wanted, relaxed=True)
    facets: Sequence[FoundFacet] = ()
    if wanted.facets:
        facets = found_facets(recommender.catalog, found.rows, left, within, wanted.facets, wanted.values)
    return Matches(rows, found.by, found.exact, bool(relaxed), facets)
