"""The routes of lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from streams.gateway.answers import JSON, json_answer, response
from streams.gateway.errors import says
from streams.gateway.feeds import NO_STORE, USER_ID_MAX
from streams.gateway.lists.answers import By, ItemList, Neighbours, SimilarItems
from streams.gateway.lists.aspects import aspects_route
from streams.gateway.lists.lists import Lists
from streams.gateway.lists.parameters import (
    DEFAULT_N,
    OF_FILTER,
    Attributes,
    Categories,
    Cursor,
    ItemId,
    N,
    PriceFrom,
    PriceTo,
    Tags,
    UserId,
    filter_of,
)
from streams.gateway.ranking.on_request import UNANSWERED, OnRequest
from streams.gateway.ranking.parameters import check_once
from streams.gateway.searching.facets import FacetsAsked, FacetValues, checked_facets
from streams.ranking.lists.page import MOST
from streams.search.wanted import VALUES
from streams.stores.base import Store

TAGS = ["on request"]
MANY = ("categories", "tags")
REFUSED = {
    **says(400, "A parameter is unknown or out of range"),
    **says(422, "The cursor is not one of this list, or the filter can't be"),
    **UNANSWERED,
}
LISTS = {
    "trending": (
        "What users meet most now",
        (
            "Items by how often users met them. An event counts less with age: half after the first of "
            "`counters.half_lives_s` (a day). `score` is that count as of now."
        ),
    ),
    "popular": (
        "What users meet most",
        "As /v1/trending, by the second half-life (a week).",
    ),
    "latest": (
        "What came last",
        (
            "Items by when they were first announced, or met where nobody announced them. `score` is that "
            "time, in ms since the epoch."
        ),
    ),
}  # fmt: skip


def lists_routes(on_request: OnRequest, store: Store) -> list[HTTPRouteHandler]:
    """All of them."""
    lists = Lists(on_request, store)
    return [
        *(_list_route(lists, name) for name in LISTS),
        _similar_route(lists),
        _neighbours_route(lists),
        aspects_route(on_request),
    ]


def _answered(body: msgspec.Struct) -> Response[Any]:
    return response(json_answer(200, body, JSON, NO_STORE))


def _list_route(lists: Lists, name: str) -> HTTPRouteHandler:
    known = ("n", "cursor", "facet_values", *OF_FILTER)
    summary, description = LISTS[name]

    @get(
        f"/v1/{name}",
        operation_id=name,
        summary=summary,
        description=f"{description} Withdrawn items are never in it.",
        tags=TAGS,
        responses=REFUSED,
    )
    async def read_list(
        request: Request[Any, Any, Any],
        n: N = DEFAULT_N,
        cursor: Cursor = "",
        categories: Categories = (),
        tags: Tags = (),
        attributes: Attributes = "",
        price_from: PriceFrom = None,
        price_to: PriceTo = None,
        facets: FacetsAsked = (),
        facet_values: FacetValues = VALUES,
    ) -> Response[ItemList]:
        check_once(request, [name for name in known if name not in MANY])
        asked = filter_of(categories, tags, attributes, price_from, price_to)
        fields = checked_facets(facets)
        return _answered(await lists.page(name, n, asked, cursor, fields, facet_values))

    return read_list


def _similar_route(lists: Lists) -> HTTPRouteHandler:
    known = ("by", "user_id", "impression", "n", "cursor", *OF_FILTER)

    @get(
        "/v1/items/{item_id:str}/similar",
        operation_id="similar",
        summary="What is like an item",
        description=(
            "By what users met together with it (`behaviour`), by texts (`text`), by what both share in the "
            f"knowledge graph (`graph`), or by all of these (`blended`): at most {MOST} items. Where "
            "`user_id` is there, the list is in that user's order, by the model that ranks their feed, and "
            "without what they have met. Withdrawn items are never in it."
        ),
        tags=TAGS,
        responses={**REFUSED, **says(404, "Nobody knows the item")},
    )
    async def read_similar(
        request: Request[Any, Any, Any],
        item_id: ItemId,
        by: Annotated[By, QueryParameter(description="What makes two items alike.")] = "blended",
        user_id: Annotated[
            str,
            QueryParameter(max_length=USER_ID_MAX, description="In whose order; nobody's where left out."),
        ] = "",
        impression: Annotated[
            bool, QueryParameter(description="false for a preview; only where a user is named.")
        ] = True,
        n: N = DEFAULT_N,
        cursor: Cursor = "",
        categories: Categories = (),
        tags: Tags = (),
        attributes: Attributes = "",
        price_from: PriceFrom = None,
        price_to: PriceTo = None,
    ) -> Response[SimilarItems]:
        check_once(request, [name for name in known if name not in MANY])
        asked = filter_of(categories, tags, attributes, price_from, price_to)
        if not user_id:
            return _answered(await lists.similar(item_id, by, n, asked, cursor))
        return _answered(await lists.similar_for(user_id, item_id, by, n, asked, cursor, impression))

    return read_similar


def _neighbours_route(lists: Lists) -> HTTPRouteHandler:
    known: Sequence[str] = ("n",)

    @get(
        "/v1/users/{user_id:str}/neighbours",
        operation_id="neighbours",
        summary="Who is like a user",
        description=(
            "The users who met the same items, of those who acted lately. The answer holds ids of other "
            "users: it is for the app itself, not for its users."
        ),
        tags=TAGS,
        responses={
            **says(400, "A parameter is unknown or out of range"),
            **says(404, "The user has not acted"),
            **UNANSWERED,
        },
    )
    async def read_neighbours(
        request: Request[Any, Any, Any],
        user_id: UserId,
        n: Annotated[int, QueryParameter(ge=1, le=100, description="How many users.")] = DEFAULT_N,
    ) -> Response[Neighbours]:
        check_once(request, [name for name in known if name not in MANY])
        return _answered(await lists.neighbours(user_id, n))

    return read_neighbours
