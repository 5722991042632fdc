"""Who is like a user: those who met the same items, of the users who acted lately.

Two users are as near as the cosine of what they met, each item counted by how telling it is: the inverse
logarithm of how often it was met (Adamic & Adar, 2003). 1 means the same items. The search is exact over the
users who are known (`streams.state.recent_users`), and they are a sample: it finds nobody else.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from model.schema import F32
from streams.counters.pairs import check_known
from streams.ranking.pipeline import Pipeline
from streams.state.recent_users import RecentUsers
from streams.state.user_state import Rows

SHARED_NAMED = 5
"""Of what two users have in common so many items are named, the most telling first."""


class Neighbour(NamedTuple):
    """A user; how near, from 0 to 1; rows of items that both have met, of which there are `common`."""

    user: str
    score: float
    common: int
    shared: list[int]


def neighbours(pipeline: Pipeline, users: RecentUsers, user: str, met: Rows, n: int) -> list[Neighbour]:
    """The `n` users nearest to `user`, who has met the rows `met`; ties go to the lower user id. Only those
    who share something. `met` int32 [m], newest first; as many as are kept of others are looked at.

    Raises `StoreError` for a row that is not known yet.
    """
    weights = telling(pipeline.counters.popularity.total[: len(pipeline.catalog)])
    mine = np.array(list(dict.fromkeys(met.tolist())), np.int32)[: users.items.shape[1]]
    check_known(mine, len(pipeline.catalog))
    count = len(users.names)
    scores, common = np.zeros(count, np.float32), np.zeros(count, np.int32)
    _nearness(users.items, users.counts, mine, weights, pipeline.workspace.places, scores, common)
    if user in users.slots:
        scores[users.slots[user]] = 0.0
    found = np.flatnonzero(scores > 0.0)
    if len(found) > n:  # all that reach the last place: the ids decide which of them come in
        edge = np.partition(scores[found], len(found) - n)[len(found) - n]
        found = found[scores[found] >= edge]
    order = sorted(found.tolist(), key=lambda slot: (-float(scores[slot]), users.names[slot]))[:n]
    return [
        Neighbour(
            users.names[slot],
            round(min(float(scores[slot]), 1.0), 6),
            int(common[slot]),
            _shared(mine, weights[mine], users.items[slot, : users.counts[slot]]),
        )
        for slot in order
    ]


def _shared(mine: Rows, weights: F32, theirs: Rows) -> list[int]:
    at = np.flatnonzero(np.isin(mine, theirs))
    rows: list[int] = mine[at[np.lexsort((mine[at], -weights[at]))]][:SHARED_NAMED].tolist()
    return rows


def telling(totals: F32) -> F32:
    """How much it says that two users have met an item, by how often it was met: float32 [n]."""
    found = np.float32(1.0) / np.log(np.float32(2.0) + np.maximum(totals, np.float32(1.0)))
    return found.astype(np.float32, copy=False)


@compiled
def _nearness(
    items: NDArray[np.int32],
    counts: NDArray[np.int32],
    mine: NDArray[np.int32],
    weights: F32,
    places: NDArray[np.int32],
    scores: F32,
    common: NDArray[np.int32],
) -> None:
    """Fill `scores` and `common` of all users, which are zero. weights [n]: of all items. places: a scratch
    table over all rows, all -1 before and after.
    """
    own = 0.0
    for k in range(len(mine)):
        places[mine[k]] = k
        own += weights[mine[k]]
    for slot in range(len(scores)):
        both = 0.0
        for k in range(counts[slot]):
            if places[items[slot, k]] >= 0:
                both += weights[items[slot, k]]
                common[slot] += 1
        if both > 0.0:
            theirs = 0.0
            for k in range(counts[slot]):
                theirs += weights[items[slot, k]]
            scores[slot] = np.float32(both / np.sqrt(own * theirs))
    for k in range(len(mine)):
        places[mine[k]] = -1
