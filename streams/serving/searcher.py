"""Searches, answered by a ranker: the user's state is read, then one call of the core reads the query
(`streams.serving.query_reading`) and answers. Those that wait together are one call
(`streams.serving.ranker_queue`).

A search is made once, and kept among the ranker's slates: its places do not move between two pages.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, TypeVar

from model.errors import RankerBusyError, RankerLateError, RankerUnreadyError
from streams.ranking.request import NO_FILTER, ItemFilter
from streams.recommender import Recommender
from streams.search.matches import Matches
from streams.search.queries import Understood
from streams.search.searching import SURFACE, SearchAnswer, SearchAsked
from streams.search.suggesting import Suggestions, suggest
from streams.search.wanted import NOTHING_WANTED, Wanted
from streams.serving.item_search import ItemSearch
from streams.serving.live import Live
from streams.serving.meetings import with_rows_met
from streams.serving.query_reading import QueryReader, Reading
from streams.serving.ranker import Ranker
from streams.serving.ranker_asked import Answer, Asked
from streams.serving.ranker_queue import RankerQueue
from streams.serving.ranker_watch import Unwatched
from streams.serving.searcher_batch import SearchedBatch, WaitingSearch, search_all

log = logging.getLogger(__name__)
R = TypeVar("R")

AT_ONCE = 4
"""Searches of one batch: to find takes longer than to rank, and rankings wait for the whole batch."""


@dataclass(frozen=True, slots=True)
class Query:
    """`text`: as it was typed. `user`: "" for nobody that is known. `personal`: False leaves the user's
    history out. `size`: places of a page. `cause`: the id of the call. `wanted`: facets, and another order.
    """

    text: str
    user: str = ""
    size: int = 10
    filter: ItemFilter = NO_FILTER
    exclude: tuple[str, ...] = ()
    personal: bool = True
    surface: str = SURFACE
    cause: str = ""
    wanted: Wanted = NOTHING_WANTED


class Found(NamedTuple):
    """`answer`: as the ranker keeps it, for further pages and for explanations. `personal`, `found`,
    `relaxed` and `matches`: see `SearchAnswer`.
    """

    answer: Answer
    understood: Understood
    personal: float
    found: int
    relaxed: bool
    matches: Matches | None = None


class Searcher:
    """What it answers is kept among the ranker's slates."""

    def __init__(self, ranker: Ranker) -> None:
        self._ranker, self._asked = ranker, 0
        bounds = ranker.settings.ranker
        at_once, timeout_s = min(AT_ONCE, bounds.batch_max), bounds.timeout_ms / 1_000
        self._queue: RankerQueue[WaitingSearch, WaitingSearch, SearchAnswer] = RankerQueue(
            None, self._work, at_once, bounds.queue_max, timeout_s, Unwatched()
        )
        self._reader = QueryReader(ranker.queries, timeout_s)

    @property
    def items(self) -> ItemSearch:
        """The index; raises `RankerUnreadyError` where there is none yet."""
        items = self._ranker.items
        if items is None or self._ranker.live is None:
            raise RankerUnreadyError(self._ranker.trouble or "the search index is being opened")
        return items

    async def search(self, query: Query) -> Found:
        """All places. Raises what `Ranker.slate` raises."""
        with self._room():
            return await self._search(query)

    @contextmanager
    def _room(self) -> Iterator[None]:
        """Raises `RankerBusyError` where more is asked already than may wait: the core would answer late, and
        answer those who have gone.
        """
        most = self._ranker.settings.ranker.queue_max
        if self._asked >= most:
            raise RankerBusyError(f"{self._asked} searches wait; {most} may (ranker.queue_max)")
        self._asked += 1
        try:
            yield
        finally:
            self._asked -= 1

    async def _search(self, query: Query) -> Found:
        items, ranker = self.items, self._ranker
        # A filter may leave so few items that the index looks among these alone: not beforehand.
        best = query.filter == NO_FILTER and not query.wanted.sorted
        reading = self._reader.begin(items.index, query.text, best, self._live.encode)
        try:
            state = await self._state(query.user)
            await self._reader.beside(reading)
            asked = partial(self._as_read, query, reading, items)
            made = await self._queue.answer(WaitingSearch(asked, state))
        finally:
            self._reader.end(reading)
        understood = reading.read().understood
        answer = Answer(made.slate, made.request, made.parts)
        kept = Asked(query.user, surface=query.surface, filter=query.filter, query=query.text)
        ranker.slates.keep(kept, answer)
        return Found(answer, understood, made.personal, made.found, made.relaxed, made.matches)

    @staticmethod
    def _as_read(query: Query, reading: Reading, items: ItemSearch) -> SearchAsked:
        """What is asked, in the core's thread."""
        understood, hits, vector = reading.read()
        return SearchAsked(
            understood=understood,
            vector=vector,
            user=query.user,
            size=max(items.settings.results, query.size),
            filter=query.filter,
            exclude=query.exclude,
            personal=query.personal,
            surface=query.surface,
            cause=query.cause,
            hits=hits,
            wanted=query.wanted,
        )

    @property
    def _live(self) -> Live:
        """Raises `RankerUnreadyError` where the counters can't be trusted."""
        return self._ranker.ready()

    async def suggest(self, typed: str, limit: int) -> Suggestions:
        """Completions of what is typed; raises what `Ranker.ask` raises."""
        with self._room():
            return await self._ranker.ask(suggest, self.items.index, typed, limit)

    async def rebuild(self) -> int:
        """Make the index anew from the store; how many items it has."""
        live = self._ranker.live
        items = self.items
        assert live is not None
        return await items.rebuild(live.store, list(live.recommender.catalog.ids))

    async def _state(self, user: str) -> bytes | None:
        """Of whoever searches, as the store has it: read while the query is."""
        if not user:
            return None
        timeout_ms = self._ranker.settings.ranker.timeout_ms
        try:
            async with asyncio.timeout(timeout_ms / 1_000):
                loaded = await self._live.store.load([user], ())
        except TimeoutError:
            raise RankerLateError(f"the user's state was not read within {timeout_ms} ms") from None
        return loaded.states[0]

    async def _work(self, take: Callable[[], list[WaitingSearch]]) -> Sequence[SearchAnswer | Exception]:
        """All answers of a batch in one call of the core. Items that were met since the ledger was last read
        are met first.
        """
        live, index = self._live, self.items.index

        def make(core: Recommender, again: bool) -> SearchedBatch:
            return search_all(core, index, take(), self._ranker.clock.now_ms(), whole=again)

        made = await with_rows_met(live, make)
        return made.answers
