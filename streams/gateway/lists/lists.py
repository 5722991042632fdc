"""What the routes of lists share: they ask the ranker's core, and answer by ids."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from model.errors import StoreUnavailableError
from streams.gateway.errors import ProblemError, problem, unavailable
from streams.gateway.lists.answers import By, ItemList, Neighbours, SimilarItems
from streams.gateway.ranking.on_request import OnRequest
from streams.gateway.searching.facets import answered_facets
from streams.ranking.lists.page import ListAsk
from streams.ranking.request import ItemFilter
from streams.serving.ranker_asked import Asked
from streams.stores.base import Store

if TYPE_CHECKING:
    from streams.ranking.lists.item_lists import ItemLists

SURFACE = "similar"
"""The surface of slates that put similar items in a user's order."""
CHECKED = 2
"""Times as many neighbours are looked for as are asked for: some of them may be gone from the store."""


class Lists:
    """Raises `ProblemError` where there is no ranker, where it does not answer, and for what can't be."""

    def __init__(self, on_request: OnRequest, store: Store) -> None:
        self._on_request, self._store = on_request, store

    @cached_property
    def _lists(self) -> ItemLists:
        # Imported here: a gateway without a ranker does without the stages.
        from streams.ranking.lists.item_lists import ItemLists

        return ItemLists(self._on_request.settings)

    def _ask(self, n: int, asked: ItemFilter, cursor: str) -> ListAsk:
        return ListAsk(n, self._on_request.clock.now_ms(), asked, cursor)

    async def page(
        self, name: str, n: int, asked: ItemFilter, cursor: str, facets: Sequence[str] = (), values: int = 0
    ) -> ItemList:
        """A page of *trending*, *popular* or *latest*; facets: fields to count it by, with so many values."""
        ranker, ask = self._on_request.ranker, self._ask(n, asked, cursor)
        from streams.gateway.lists import in_core

        found = await self._on_request.answered(ranker.ask(in_core.page, self._lists, name, ask))
        if not facets:
            return ItemList(found.items, found.cursor)
        from streams.gateway.lists.counted import counted

        told = await self._on_request.answered(ranker.ask(counted, name, asked, facets, values))
        return ItemList(found.items, found.cursor, told.total, answered_facets(told.facets))

    async def similar(self, item_id: str, by: By, n: int, asked: ItemFilter, cursor: str) -> SimilarItems:
        """A page of what is like an item, the same for all."""
        ranker, ask = self._on_request.ranker, self._ask(n, asked, cursor)
        from streams.gateway.lists import in_core

        found = await self._on_request.answered(ranker.ask(in_core.similar, self._lists, item_id, by, ask))
        if found is None:
            raise unknown("item", item_id, "an item that was announced or met", "put the item first")
        return SimilarItems(item_id, by, found.items, found.cursor)

    async def similar_for(
        self, user: str, item_id: str, by: By, n: int, asked: ItemFilter, cursor: str, impression: bool
    ) -> SimilarItems:
        """A page of what is like an item, in a user's order, without what they have met."""
        on_request, ask = self._on_request, self._ask(n, asked, cursor)
        ranker = on_request.ranker
        from streams.gateway.lists import in_core

        (state,) = await self._states([user])
        found = await on_request.answered(
            ranker.ask(in_core.candidates, self._lists, item_id, by, ask, user, state)
        )
        if found is None:
            raise unknown("item", item_id, "an item that was announced or met", "put the item first")
        if not found.item_ids:
            return SimilarItems(item_id, by, [], None, user)
        answer = await on_request.answered(
            ranker.slate(
                Asked(
                    user,
                    items=found.item_ids,
                    surface=SURFACE,
                    filter=asked,
                    cause=f"similar-{uuid.uuid4().hex}",
                )
            )
        )
        slate = answer.slate
        listed = await on_request.answered(ranker.ask(in_core.ordered, found, slate.items))
        if impression:
            on_request.show(slate, range(len(listed.items)), SURFACE)
        return SimilarItems(
            item_id, by, listed.items, listed.cursor, user, slate.slate_id, slate.model, slate.arm
        )

    async def neighbours(self, user: str, n: int) -> Neighbours:
        """Who is like a user. Whoever is gone from the store is not shown."""
        on_request = self._on_request
        ranker = on_request.ranker
        from streams.gateway.lists import in_core

        (state,) = await self._states([user])
        if state is None:
            raise unknown("user", user, "a user who has acted", "send the user's events first")
        found = await on_request.answered(ranker.ask(in_core.near_users, user, state, CHECKED * n))
        states = await self._states([each.user_id for each in found.users]) if found.users else []
        there = [each for each, raw in zip(found.users, states, strict=True) if raw is not None]
        return Neighbours(user, found.among, there[:n])

    async def _states(self, users: Sequence[str]) -> list[bytes | None]:
        gateway = self._on_request.settings.gateway
        try:
            async with asyncio.timeout(gateway.timeout_ms / 1_000):
                return await self._store.states(users)
        except (StoreUnavailableError, TimeoutError) as error:
            came = str(error) or f"no answer within {gateway.timeout_ms} ms"
            raise unavailable("store", came, gateway.retry_after_s) from None


def unknown(what: str, came: str, expected: str, remedy: str) -> ProblemError:
    """404, `unknown_{what}`."""
    return ProblemError(problem(404, f"unknown_{what}", expected=expected, came=came, remedy=remedy))
