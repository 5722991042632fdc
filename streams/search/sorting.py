"""Found items in an order that was asked for, and not by how well they suit: by price, age or popularity.

Nothing of it is personal: neither model nor history nor an arm says where an item stands. So the slate names
no model and no arm of an experiment, and its places have no propensities.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.ranking.lists.most_met import POPULAR, column_of
from streams.ranking.slate import Reason, Slate, SlateItem, slate_id
from streams.recommender import Recommender
from streams.search.wanted import Sort

REASON = Reason("sorted")
SOURCES: dict[Sort, str] = {
    "price:asc": "price", "price:desc": "price", "newest": "newest", "popular": "popular",
}  # fmt: skip


class Ordered(NamedTuple):
    """rows int32 [n]; values float64 [n]: by what each stands there, 0 where it has no such number."""

    rows: NDArray[np.int32]
    values: NDArray[np.float64]


def in_order(
    recommender: Recommender, rows: NDArray[np.int32], sort: Sort, now_ms: int, most: int
) -> Ordered:
    """The first `most` of `rows` (ascending) by their price, by when they came (ms since the epoch), or by
    how often they are met, as of now. Items that have no such number come last. Ties go to the item that was
    known first, or, by age, last.
    """
    if sort == "newest":
        rows = rows[::-1]
    values = _values(recommender, rows, sort)
    keys = np.where(np.isnan(values), np.inf, values if sort == "price:asc" else -values)
    chosen = np.arange(len(keys))
    if len(keys) > most:
        chosen = np.flatnonzero(keys <= np.partition(keys, most - 1)[most - 1])
    best = chosen[np.argsort(keys[chosen], kind="stable")][:most]
    return Ordered(rows[best], np.nan_to_num(values[best]) * _scale(recommender, sort, now_ms))


def slate_in_order(
    recommender: Recommender, ordered: Ordered, sort: Sort, user: str, cause: str, now_ms: int, *asked: object
) -> Slate:
    """The slate of some items in an order. asked: what else was asked for, for its id (`slate_id`)."""
    ids, source = recommender.catalog.ids, SOURCES[sort]
    told = zip(ordered.rows.tolist(), ordered.values.round(6).tolist(), strict=True)
    return Slate(
        slate_id=slate_id(user, cause, now_ms, "sorted", sort, *asked),
        user_id=user,
        ts=now_ms,
        items=[SlateItem(ids[row], value, source, REASON) for row, value in told],
        model="",
        rung="full",
        cause=cause,
    )


def _values(recommender: Recommender, rows: NDArray[np.int32], sort: Sort) -> NDArray[np.float64]:
    """NaN for an item that has none."""
    if sort == "newest":
        return recommender.catalog.added_ms[rows].astype(np.float64)
    if sort == "popular":
        counts = recommender.counters.popularity.decayed[rows, column_of(recommender.pipeline, POPULAR)]
        return np.where(counts > 0.0, counts, np.nan)
    return recommender.catalog.facets.prices_of(rows)


def _scale(recommender: Recommender, sort: Sort, now_ms: int) -> float:
    """What the values are multiplied by to be as of now."""
    if sort != "popular":
        return 1.0
    return float(recommender.counters.popularity.ages(now_ms)[column_of(recommender.pipeline, POPULAR)])
