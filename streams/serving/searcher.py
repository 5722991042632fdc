"""Searches, answered by a ranker: the user's state from the store, the query's vector, one call of the core.

A search is made once, and kept among the ranker's slates: its places do not move between two pages.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from model.errors import HeadraceError, RankerBusyError, RankerLateError, RankerUnreadyError
from model.schema import F32
from streams.ranking.request import NO_FILTER, ItemFilter
from streams.recommender import Recommender
from streams.search.index import SearchIndex
from streams.search.queries import Understood
from streams.search.searching import SURFACE, SearchAnswer, SearchAsked, search
from streams.search.suggesting import Suggestions, suggest
from streams.serving.item_search import ItemSearch
from streams.serving.ranker import MEETINGS, Ranker
from streams.serving.ranker_asked import Answer, Asked
from streams.state import user_state_codec

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Query:
    """`text`: as it was typed. `user`: "" for nobody that is known. `personal`: False leaves the user's
    history out. `size`: places of a page. `cause`: the id of the call.
    """

    text: str
    user: str = ""
    size: int = 10
    filter: ItemFilter = NO_FILTER
    exclude: tuple[str, ...] = ()
    personal: bool = True
    surface: str = SURFACE
    cause: str = ""


class Found(NamedTuple):
    """`answer`: as the ranker keeps it, for further pages and for explanations. `personal`, `found` and
    `relaxed`: see `SearchAnswer`.
    """

    answer: Answer
    understood: Understood
    personal: float
    found: int
    relaxed: bool


class _Unmet(NamedTuple):
    """A state names this row, which is still to be met."""

    newest: int


class Searcher:
    """What it answers is kept among the ranker's slates."""

    def __init__(self, ranker: Ranker) -> None:
        self._ranker, self._asked = ranker, 0

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
        index = items.index
        understood = await ranker.ask(_understand, index, query.text)
        asked = SearchAsked(
            understood=understood,
            vector=await self._vector(understood.to_encode),
            user=query.user,
            size=max(items.settings.results, query.size),
            filter=query.filter,
            exclude=query.exclude,
            personal=query.personal,
            surface=query.surface,
            cause=query.cause,
        )
        made = await self._answer(index, asked)
        answer = Answer(made.slate, made.request, made.parts)
        kept = Asked(query.user, surface=query.surface, filter=query.filter, query=query.text)
        ranker.slates.keep(kept, answer)
        return Found(answer, understood, made.personal, made.found, made.relaxed)

    async def _vector(self, text: str) -> F32 | None:
        """Of the query; None where it does not come in time: then words alone search."""
        try:
            return await self._ranker.vector(text)
        except RankerLateError as error:
            log.warning("a search goes by words alone: %s", error)
            return None

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

    async def _answer(self, index: SearchIndex, asked: SearchAsked) -> SearchAnswer:
        ranker, live = self._ranker, self._ranker.live
        if live is None:
            raise RankerUnreadyError(ranker.trouble)
        raw = None
        if asked.user:
            raw = (await live.store.load([asked.user], ())).states[0]
        for _ in range(MEETINGS):
            made = await ranker.ask(_searched, index, asked, raw, ranker.clock.now_ms())
            if isinstance(made, SearchAnswer):
                return made
            async with live.replica.lock:
                await live.replica.know(made.newest)
        raise RankerUnreadyError("the user's state names items that are still to be read")


def _understand(recommender: Recommender, index: SearchIndex, text: str) -> Understood:
    return index.understand(text)


def _searched(
    recommender: Recommender, index: SearchIndex, asked: SearchAsked, raw: bytes | None, now_ms: int
) -> SearchAnswer | _Unmet:
    """In the core's thread. Where the model fails, the counters rank."""
    state = user_state_codec.decode(raw)
    newest = max(state.consumed.newest(), int(state.items.max()) if len(state.items) else -1)
    if newest >= len(recommender.catalog):
        return _Unmet(newest)
    try:
        made = search(recommender, index, asked, state, now_ms)
    except HeadraceError:
        raise
    except Exception:
        log.exception("a search could not be scored by the model; the counters rank it")
        made = search(recommender, index, asked, state, now_ms, stages_of="counters")
    understood = asked.understood
    if made.slate.items and not understood.empty:
        index.queries.note(understood.corrected or understood.text, asked.user)
    return made
