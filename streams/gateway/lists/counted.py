"""Facets of a list that is the same for all: over all of its items that its filter lets through."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from streams.ranking.lists.latest import LATEST
from streams.ranking.lists.left_out import can_be_had
from streams.ranking.lists.most_met import column_of
from streams.ranking.request import ItemFilter
from streams.recommender import Recommender
from streams.search.facets import FoundFacet, found_facets
from streams.search.narrowing import narrowed, parts_of


class CountedList(NamedTuple):
    """`total`: how many items the list has on all its pages."""

    total: int
    facets: Sequence[FoundFacet]


def counted(
    recommender: Recommender, name: str, asked: ItemFilter, facets: Sequence[str], values: int
) -> CountedList:
    """In the thread of the core. name: of the list; facets: fields, with so many values each."""
    catalog, within = recommender.catalog, can_be_had(asked)
    if name == LATEST:
        there = catalog.added_ms[: len(catalog)] > 0
    else:
        column = column_of(recommender.pipeline, name)
        there = recommender.counters.popularity.decayed[: len(catalog), column] > 0.0
    rows = np.flatnonzero(there).astype(np.int32)
    left = narrowed(rows, parts_of(catalog, within))
    total = int(np.count_nonzero(left.passes()))
    return CountedList(total, found_facets(catalog, rows, left, within, facets, values))
