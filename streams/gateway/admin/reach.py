"""How far an item reaches, by the counters: in the core's thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from streams.recommender import Recommender


class RecentReach(NamedTuple):
    """What is left of the item's weighted actions where half is forgotten every `half_life_s`; its `place`
    among all items by that, from 1.
    """

    half_life_s: float
    weight: float
    place: int


class Reach(NamedTuple):
    """Of one item. `shown`: impressions; `events`: actions and reviews; `weight`: what these count. Times are
    ms since the epoch, 0 for never. `rating`: the mean of `ratings`. `texts`: whether it has a text of its
    own; `reviews`: how many reviews speak for it in its place. `pairs`: how many items it is counted with.
    """

    items: int
    shown: int
    events: int
    weight: float
    share: float
    first_ms: int
    last_ms: int
    ratings: int
    rating: float | None
    lately: list[RecentReach]
    own_text: bool
    reviews: float
    withdrawn: bool


def reach(recommender: Recommender, item_id: str, now_ms: int) -> Reach | None:
    """None where nobody announced or met the item."""
    catalog, popularity = recommender.catalog, recommender.counters.popularity
    row = catalog.rows.get(item_id)
    if row is None or row >= popularity.known:
        return None
    known, ages = popularity.known, popularity.ages(now_ms)
    half_lives_s = recommender.settings.counters.half_lives_s
    lately = []
    for column, half_life_s in enumerate(half_lives_s):
        mine = popularity.decayed[row, column]
        ahead = int(np.count_nonzero(popularity.decayed[:known, column] > mine))
        lately.append(RecentReach(half_life_s, float(mine * ages[column]), ahead + 1))
    total = float(popularity.total[:known].sum())
    ratings = int(popularity.rating_count[row])
    return Reach(
        known,
        int(popularity.shown[row]),
        int(popularity.events[row]),
        float(popularity.total[row]),
        float(popularity.total[row]) / total if total else 0.0,
        int(popularity.first_ms[row]),
        int(popularity.last_ms[row]),
        ratings,
        float(popularity.rating_sum[row]) / ratings if ratings else None,
        lately,
        bool(catalog.own_text[row]),
        float(catalog.reviews[row]),
        not bool(catalog.available[row]),
    )
