"""/v1/admin/items: how far an item reaches, and its neighbours by each way.

The id is a parameter, not a part of the path: ids may have slashes in them.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from streams.clock import Clock
from streams.gateway.admin.replies import READ
from streams.gateway.answers import json_answer, response
from streams.gateway.errors import ProblemError, problem
from streams.gateway.feeds import NO_STORE, USER_ID_MAX
from streams.gateway.lists.answers import By, SimilarItems
from streams.gateway.lists.lists import Lists
from streams.gateway.lists.parameters import Cursor
from streams.gateway.ranking.on_request import UNANSWERED, OnRequest
from streams.ranking.lists.page import MOST
from streams.ranking.request import NO_FILTER

PATH = "/v1/admin/items"
ItemParameter = Annotated[
    str, QueryParameter(description="The item's id.", min_length=1, max_length=USER_ID_MAX)
]


class RecentReachView(msgspec.Struct):
    """What is left of the item's weighted actions where half is forgotten every `half_life_s`; its `place`
    among all items by that, from 1.
    """

    half_life_s: float
    weight: float
    place: int


class ReachView(msgspec.Struct):
    """How far an item reaches, of `items` in all. `shown`: impressions ever; `events`: actions and reviews
    ever, `weight` what these count, `share` its part of what all items' count. `rating`: the mean of
    `ratings`. `first_ms`, `last_ms`: when it was first and last met; null for never. `own_text`: it has a
    text; else `reviews` speak for it. `withdrawn`: it can't be had.
    """

    item_id: str
    items: int
    shown: int
    events: int
    weight: float
    share: float
    first_ms: int | None
    last_ms: int | None
    ratings: int
    rating: float | None
    lately: list[RecentReachView]
    own_text: bool
    reviews: float
    withdrawn: bool


class ItemReach:
    """What the routes share. Raises `ProblemError`, and `ForwardError` where a ranker elsewhere knows it."""

    def __init__(self, on_request: OnRequest, clock: Clock) -> None:
        self._on_request, self._clock = on_request, clock

    async def of(self, item_id: str) -> ReachView:
        """How far an item reaches."""
        ranker = self._on_request.ranker
        # Imported here: a gateway without a ranker does without the stages.
        from streams.gateway.admin.reach import reach

        found = await self._on_request.answered(ranker.ask(reach, item_id, self._clock.now_ms()))
        if found is None:
            raise ProblemError(
                problem(
                    404,
                    "unknown_item",
                    expected="an item that was announced or met",
                    came=item_id,
                    remedy="put the item first",
                )
            )
        told = found._asdict() | {
            "first_ms": found.first_ms or None,
            "last_ms": found.last_ms or None,
            "lately": [RecentReachView(*each) for each in found.lately],
        }
        return ReachView(item_id, **told)


def item_admin_routes(reach: ItemReach, lists: Lists) -> list[HTTPRouteHandler]:
    """The routes."""

    @get(
        f"{PATH}/reach",
        summary="How far an item reaches",
        description="How often it was shown and acted on, ever and lately, as the ranker's counters say.",
        tags=["items"],
        responses={**READ, **UNANSWERED},
    )
    async def get_reach(item_id: ItemParameter) -> Response[ReachView]:
        return response(json_answer(200, await reach.of(item_id), headers=NO_STORE))

    @get(
        f"{PATH}/similar",
        summary="What is like an item, by any id",
        description="As GET /v1/items/{item_id}/similar, for ids that have slashes in them, too.",
        tags=["items"],
        responses={**READ, **UNANSWERED},
    )
    async def get_similar(
        item_id: ItemParameter,
        by: Annotated[By, QueryParameter(description="What makes items alike.")] = "blended",
        n: Annotated[int, QueryParameter(ge=1, le=MOST, description="How many items.")] = 10,
        cursor: Cursor = "",
    ) -> Response[SimilarItems]:
        told = await lists.similar(item_id, by, n, NO_FILTER, cursor)
        return response(json_answer(200, told, headers=NO_STORE))

    return [get_reach, get_similar]
