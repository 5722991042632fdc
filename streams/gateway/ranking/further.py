"""Further places of what was ranked before: a cursor goes on where the page before it ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from streams.gateway.ranking.cursor import read_cursor, wrong_cursor
from streams.gateway.ranking.on_request import OnRequest
from streams.recommender import Recommender
from streams.serving.ranker_slates import RankedSlate


class FollowingPage(NamedTuple):
    """`at`: places of the slate `kept`, but for items that can't be had any more; the page ends before
    `end`.
    """

    kept: RankedSlate
    at: Sequence[int]
    end: int


async def further(on_request: OnRequest, cursor: str, user: str, n: int, what: str) -> FollowingPage:
    """The `n` places behind a cursor that `user` was given; `what`: what it is of, in words. Raises
    `ProblemError`.
    """
    place = read_cursor(cursor)
    kept = on_request.kept(place.slate_id)
    ranker = on_request.ranker
    if kept is None:
        raise wrong_cursor(f"a cursor of a {what} that is not kept (any more)")
    if kept.asked.user != user:
        raise wrong_cursor(f"a cursor of another user's {what}")
    items = kept.answer.slate.items
    if not 0 < place.place < len(items):
        raise wrong_cursor(f"place {place.place} of a {what} with {len(items)}")
    end = min(place.place + n, len(items))
    at: Sequence[int] = range(place.place, end)
    if kept.asked.filter.available:
        gone = await on_request.answered(ranker.ask(withdrawn, [items[k].item_id for k in at]))
        at = [k for k in at if items[k].item_id not in gone]
    return FollowingPage(kept, at, end)


def withdrawn(recommender: Recommender, item_ids: Sequence[str]) -> set[str]:
    """Which of them can't be had now, or are not known any more; in the core's thread."""
    catalog = recommender.catalog
    rows = {item: catalog.rows.get(item) for item in item_ids}
    return {item for item, row in rows.items() if row is None or not catalog.available[row]}
