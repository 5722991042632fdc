"""What each item of a user's history is worth to the places of a slate, in the core's thread."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from streams.ranking.leave_one_out import drops
from streams.ranking.request import RankRequest
from streams.recommender import Recommender

Worth = dict[str, list[tuple[str, float]]]
"""By item of a slate: items of the history, and by how much its score falls without each of them."""


def worth(recommender: Recommender, request: RankRequest, items: Sequence[str], history: int) -> Worth:
    """For each of `items`: without which of the last `history` items its score falls by how much, the largest
    first. The request is made again, with the counters of now. An item that the catalogue lacks is left out.
    Empty where no model scores it, or the user
    has met nothing.
    """
    catalog = recommender.catalog
    items = [item for item in items if item in catalog.rows]
    recent = list(dict.fromkeys(request.state.items[::-1].tolist()))[:history]
    rows = [catalog.rows[item] for item in items]
    draft = recommender.draft(replace(request, score_also=tuple(rows), explain=False))
    if not recent or not rows or not draft.batch.scored(0):
        return {}
    where: dict[int, int] = {}
    for at, row in enumerate(draft.rows.tolist()):
        where.setdefault(row, at)  # the place in the pool, where it has one
    fallen = drops(
        recommender.pipeline, draft, [where[row] for row in rows], recent, recommender.settings.state
    )
    found: Worth = {}
    for k, item in enumerate(items):
        order = (-fallen[:, k]).argsort(kind="stable").tolist()
        found[item] = [(catalog.ids[recent[at]], float(fallen[at, k])) for at in order]
    return found
