"""Feeds that are ranked when they are asked for: first pages, and further pages of the same slate."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from streams.gateway.answers import Answer as HttpAnswer
from streams.gateway.feeds import USER_ID_MAX, FeedReads, out_of_range
from streams.gateway.ranking.cursor import Cursor, wrong_cursor
from streams.gateway.ranking.feed_body import PLACES_MAX, FeedBody
from streams.gateway.ranking.further import further
from streams.gateway.ranking.on_request import OnRequest
from streams.gateway.ranking.ranked import ranked, ranked_answer
from streams.serving.ranker_asked import Answer, Asked


class RankedFeeds:
    """`reads` answers what is no different from the stored feed."""

    def __init__(self, on_request: OnRequest, reads: FeedReads) -> None:
        self._on_request, self._reads = on_request, reads
        self._places = on_request.settings.ranker.feed_places

    async def answer(self, user: str, body: FeedBody, event_id: str = "") -> HttpAnswer:
        """`event_id`: of the impression, a new one where none is given. Raises `ProblemError`."""
        n = self._reads.default if body.n is None else body.n
        if body.plain:
            return await self._reads.answer(user, n, body.impression)
        if not 1 <= len(user) <= USER_ID_MAX:
            raise out_of_range("user_id", f"1 to {USER_ID_MAX} characters", f"{len(user)} characters")
        if body.cursor:
            return await self._further(user, n, body, event_id)
        ranker = self._on_request.ranker
        asked = body.asked(user, min(max(n, self._places), PLACES_MAX), uuid.uuid4().hex)
        answer = await self._on_request.answered(ranker.slate(asked))
        return self._page(answer, range(min(n, len(answer.slate.items))), n, body, asked, event_id)

    async def _further(self, user: str, n: int, body: FeedBody, event_id: str) -> HttpAnswer:
        """Places of a slate that was made before, but for items that can't be had any more."""
        if not body.a_page:
            raise wrong_cursor("a cursor beside parameters that the first page has settled")
        kept, at, end = await further(self._on_request, body.cursor, user, n, "slate")
        return self._page(kept.answer, at, end, body, kept.asked, event_id)

    def _page(
        self,
        answer: Answer,
        at: Sequence[int],
        next_place: int,
        body: FeedBody,
        asked: Asked,
        event_id: str,
    ) -> HttpAnswer:
        """The places `at` of an answer. A preview of an arm counts as shown for nobody."""
        slate = answer.slate
        if body.impression and not asked.arm:
            self._on_request.show(slate, at, asked.surface, event_id)
        more = next_place < len(slate.items)
        cursor = str(Cursor(slate.slate_id, next_place)) if more else None
        return ranked_answer(ranked(answer, at, body.explain, cursor))
