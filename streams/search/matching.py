"""All items that a query asks for, not only the best: what is counted, and put in another order.

The first of these that finds anything: items that have all words of the query, each in any spelling that a
search takes for it; items of the entities that it names; items that have the most of its words; items that
mean something like it. A query without words asks for all items.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.schema import F32
from streams.recommender import Recommender
from streams.search.index import SearchIndex
from streams.search.intent import MOST_ENTITY_ITEMS, rows_named
from streams.search.meaning import near
from streams.search.queries import Understood

By = Literal["everything", "words", "names", "some_words", "meaning"]


class Matching(NamedTuple):
    """rows int32 [n], ascending. `exact`: whether these are all: no more than `search.matches` items have the
    words, and nothing went by meaning, which has no end.
    """

    rows: NDArray[np.int32]
    by: By
    exact: bool = True


def matching(recommender: Recommender, index: SearchIndex, asked: Understood, vector: F32 | None) -> Matching:
    """All items for a query, whatever its filter. vector: of the query; None without one."""
    items = len(recommender.catalog)
    if asked.empty:
        return Matching(np.arange(items, dtype=np.int32), "everything")
    having = index.having(asked)
    if not having.all and len(named := _named(recommender, asked)):
        return Matching(named, "names", len(named) < MOST_ENTITY_ITEMS)
    if len(having.rows) or vector is None:
        by: By = "words" if having.all else "some_words"
        return Matching(having.rows[having.rows < items], by, having.whole)
    nobody = np.zeros(items, np.uint8)
    settings = index.settings
    rows = near(recommender.pipeline, vector, nobody, settings.per_list, settings.least_cosine)
    return Matching(np.sort(rows), "meaning", exact=False)


def _named(recommender: Recommender, asked: Understood) -> NDArray[np.int32]:
    """Items of the entities that the query names."""
    entities = recommender.pipeline.workspace.entities
    named = [each for each in asked.named if each.kind == "entity"]
    if entities is None or not named:
        return np.empty(0, np.int32)
    masks = rows_named(named, recommender.catalog, entities.graph, entities.row_of)
    return np.flatnonzero(np.any(masks, axis=0)).astype(np.int32)
