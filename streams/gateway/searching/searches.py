"""What the search routes share: first pages, further pages of the same search, completions."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Histogram

from streams.gateway.answers import JSON, Answer, json_answer
from streams.gateway.errors import ProblemError, problem
from streams.gateway.feeds import NO_STORE
from streams.gateway.ranking.cursor import Cursor, wrong_cursor
from streams.gateway.ranking.further import further
from streams.gateway.ranking.on_request import OnRequest
from streams.gateway.searching.bodies import SearchBody
from streams.gateway.searching.found import SearchResult, first_page, page
from streams.gateway.searching.metrics import SearchMetrics

if TYPE_CHECKING:
    from streams.search.suggesting import Suggestions
    from streams.serving.searcher import Searcher

PATH = "/v1/search"


class Searches:
    """Answers searches, and logs what they show."""

    def __init__(self, on_request: OnRequest, registry: CollectorRegistry) -> None:
        self._on_request = on_request
        self._made: Searcher | None = None
        self._seconds: dict[str, Histogram] = {}
        if on_request.ranks_here:
            seconds = SearchMetrics(registry, lambda: on_request.ranker.items).seconds
            self._seconds = {kind: seconds.labels(kind) for kind in ("search", "suggest")}

    @property
    def searcher(self) -> Searcher:
        """Raises `ProblemError` where there is no ranker, or no index."""
        ranker = self._on_request.ranker
        if not self._on_request.settings.search.enabled:
            raise ProblemError(
                problem(
                    503, "no_search", expected="a ranker that holds a search index",
                    came="search.enabled = false", remedy="set search.enabled = true",
                )
            )  # fmt: skip
        if self._made is None:
            # Imported here: a gateway without a ranker does without the index.
            from streams.serving.searcher import Searcher

            self._made = Searcher(ranker)
        return self._made

    async def answer(self, body: SearchBody, event_id: str = "") -> Answer:
        """As bytes, which nobody on the way keeps; raises `ProblemError`. `event_id`: of the impression, a
        new one where none is given.
        """
        return json_answer(200, await self.search(body, event_id), JSON, NO_STORE)

    async def search(self, body: SearchBody, event_id: str = "") -> SearchResult:
        """Raises `ProblemError`."""
        if body.cursor:
            return await self._further(body, event_id)
        searcher, user, asked, wanted = self.searcher, body.user, body.filter(), body.wanted()
        from streams.serving.searcher import Query

        query = Query(
            text=body.q,
            user=user,
            size=body.n,
            filter=asked,
            exclude=tuple(body.exclude),
            personal=body.personal,
            surface=body.surface,
            cause=uuid.uuid4().hex,
            wanted=wanted,
        )
        with self._seconds["search"].time():
            found = await self._on_request.answered(searcher.search(query))
        slate = found.answer.slate
        at = range(min(body.n, len(slate.items)))
        if body.impression and user:
            self._on_request.show(slate, at, body.surface, event_id)
        more = body.n < len(slate.items)
        cursor = str(Cursor(slate.slate_id, body.n)) if more else None
        return first_page(found, at, body.explain, cursor)

    async def _further(self, body: SearchBody, event_id: str) -> SearchResult:
        """Places of a search that was made before, but for items that can't be had any more."""
        if not body.a_page:
            raise wrong_cursor("a cursor beside parameters that the first page has settled")
        kept, at, end = await further(self._on_request, body.cursor, body.user, body.n, "search")
        slate = kept.answer.slate
        if body.impression and body.user:
            self._on_request.show(slate, at, kept.asked.surface, event_id)
        more = str(Cursor(slate.slate_id, end)) if end < len(slate.items) else None
        return page(kept.answer, kept.asked.query, at, body.explain, more)

    async def suggest(self, typed: str, n: int) -> Suggestions:
        """Raises `ProblemError`."""
        searcher = self.searcher
        with self._seconds["suggest"].time():
            return await self._on_request.answered(searcher.suggest(typed, n))

    async def rebuild(self) -> int:
        """Make the index anew; raises `ProblemError`."""
        return await self._on_request.answered(self.searcher.rebuild())
