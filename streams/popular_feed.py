"""What is popular just now: the feed of users of whom nothing is known, and what fills up all others."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from streams.ranking.explanations import NEW, POPULAR
from streams.ranking.slate import PopularFeed, Reason, SlateItem, slate_id
from streams.recommender import Recommender

SPARE = 180
"""Items beyond a slate's: a user who has met the first ones, or has them already, gets those behind them."""
HALF_LIFE = 1  # the column of `counters.half_lives_s` that the source "popular" goes by, too
NEWEST_OF = 4  # times as many of the items that were met last are looked through for the newest


def popular_feed(recommender: Recommender, user: str, now_ms: int) -> PopularFeed:
    """`feed.size` items and `SPARE` more, where there are as many that can be had.

    Those met most, lately, come first. Where too few were ever met the newest items follow, so that a feed
    has something as soon as there is anything.
    """
    wanted = recommender.settings.feed.size + SPARE
    available = recommender.catalog.available
    leaders = recommender.counters.popularity.leaders(HALF_LIFE)
    popular = leaders[available[leaders]][:wanted]
    newest = _newest(recommender, popular, wanted - len(popular))
    rows = [*popular.tolist(), *newest.tolist()]
    ids = recommender.catalog.ids
    kinds: list[tuple[str, Reason]] = [("popular", POPULAR)] * len(popular) + [("fresh", NEW)] * len(newest)
    return PopularFeed(
        slate_id=slate_id(user, now_ms, "popular"),
        user_id=user,
        ts=now_ms,
        items=[
            SlateItem(ids[row], -float(place), source, reason)
            for place, (row, (source, reason)) in enumerate(zip(rows, kinds, strict=True))
        ],
        model="",
        rung="popular",
        rows=rows,
    )


def _newest(recommender: Recommender, taken: NDArray[np.int32], count: int) -> NDArray[np.int64]:
    """The rows of the newest items that can be had, without those that are `taken`."""
    catalog, items = recommender.catalog, len(recommender.catalog)
    first = max(0, items - NEWEST_OF * (count + len(taken)))
    free = catalog.available[first:items].copy()
    free[taken[taken >= first] - first] = False
    rows = first + np.flatnonzero(free)
    newest_first = np.lexsort((-rows, -catalog.added_ms[rows]))
    return rows[newest_first[:count]]
