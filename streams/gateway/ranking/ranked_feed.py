"""Feeds that are ranked when they are asked for: first pages, and further pages of the same slate."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING

from streams.gateway.answers import Answer as HttpAnswer
from streams.gateway.feeds import USER_ID_MAX, FeedReads, out_of_range
from streams.gateway.ranking.cursor import Cursor, read_cursor, wrong_cursor
from streams.gateway.ranking.feed_body import PLACES_MAX, FeedBody
from streams.gateway.ranking.on_request import OnRequest
from streams.gateway.ranking.ranked import ranked, ranked_answer
from streams.serving.ranker_asked import Answer

if TYPE_CHECKING:
    from streams.recommender import Recommender


class RankedFeeds:
    """`reads` answers what is no different from the stored feed."""

    def __init__(self, on_request: OnRequest, reads: FeedReads) -> None:
        self._on_request, self._reads = on_request, reads
        self._places = on_request.settings.ranker.feed_places

    async def answer(self, user: str, body: FeedBody) -> HttpAnswer:
        """Raises `ProblemError`."""
        n = self._reads.default if body.n is None else body.n
        if body.plain:
            return await self._reads.answer(user, n, body.impression)
        if not 1 <= len(user) <= USER_ID_MAX:
            raise out_of_range("user_id", f"1 to {USER_ID_MAX} characters", f"{len(user)} characters")
        if body.cursor:
            return await self._further(user, n, body)
        ranker = self._on_request.ranker
        asked = body.asked(user, min(max(n, self._places), PLACES_MAX), uuid.uuid4().hex)
        answer = await self._on_request.answered(ranker.slate(asked))
        return self._page(answer, range(min(n, len(answer.slate.items))), n, body, asked.surface)

    async def _further(self, user: str, n: int, body: FeedBody) -> HttpAnswer:
        """Places of a slate that was made before, but for items that can't be had any more."""
        if not body.a_page:
            raise wrong_cursor("a cursor beside parameters that the first page has settled")
        cursor = read_cursor(body.cursor)
        kept = self._on_request.kept(cursor.slate_id)
        ranker = self._on_request.ranker
        if kept is None:
            raise wrong_cursor("a cursor of a slate that is not kept (any more)")
        if kept.asked.user != user:
            raise wrong_cursor("a cursor of another user's slate")
        items = kept.answer.slate.items
        if not 0 < cursor.place < len(items):
            raise wrong_cursor(f"place {cursor.place} of a slate with {len(items)}")
        at: Sequence[int] = range(cursor.place, min(cursor.place + n, len(items)))
        if kept.asked.filter.available:
            gone = await self._on_request.answered(ranker.ask(withdrawn, [items[k].item_id for k in at]))
            at = [k for k in at if items[k].item_id not in gone]
        return self._page(kept.answer, at, cursor.place + n, body, kept.asked.surface)

    def _page(
        self, answer: Answer, at: Sequence[int], next_place: int, body: FeedBody, surface: str
    ) -> HttpAnswer:
        """The places `at` of an answer."""
        slate = answer.slate
        if body.impression:
            self._on_request.show(slate, at, surface)
        more = next_place < len(slate.items)
        cursor = str(Cursor(slate.slate_id, next_place)) if more else None
        return ranked_answer(ranked(answer, at, body.explain, cursor))


def withdrawn(recommender: Recommender, item_ids: Sequence[str]) -> set[str]:
    """Which of them can't be had now, or are not known any more; in the core's thread."""
    catalog = recommender.catalog
    rows = {item: catalog.rows.get(item) for item in item_ids}
    return {item for item, row in rows.items() if row is None or not catalog.available[row]}
