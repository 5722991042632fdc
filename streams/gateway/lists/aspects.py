"""GET /v1/items/{item_id}/aspects: what reviews say of an item, by topic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from streams.gateway.answers import JSON, json_answer, response
from streams.gateway.errors import says
from streams.gateway.feeds import NO_STORE
from streams.gateway.lists.lists import unknown
from streams.gateway.lists.parameters import ItemId
from streams.gateway.ranking.on_request import UNANSWERED, OnRequest
from streams.gateway.ranking.parameters import check_once

if TYPE_CHECKING:
    from streams.recommender import Recommender
    from streams.serving.opining import Opining


class Aspect(msgspec.Struct):
    """How many clauses of reviews praise a topic, and how many blame it."""

    name: str
    praised: int
    blamed: int


class ItemAspects(msgspec.Struct):
    """What the texts of `reviews` reviews say. `sentiment`: their mean, from -1 to 1; null where there are
    none. `praised_for`: topics that most of them praise. `aspects`: all topics, the most spoken of first.
    """

    item_id: str
    reviews: int = 0
    sentiment: float | None = None
    praised_for: list[str] = []
    aspects: list[Aspect] = []


def aspects_of(
    recommender: Recommender, item_ids: Sequence[str], topics: Sequence[str], by: str
) -> list[ItemAspects | None]:
    """Of each item, in the core's thread; None where nobody knows it. topics: the names of those of `by`."""
    counted, rows = recommender.counters.aspects, recommender.catalog.rows
    found: list[ItemAspects | None] = []
    for item_id in item_ids:
        row = rows.get(item_id)
        its = None if row is None else counted.of(row)
        if its is None:
            found.append(None if row is None else ItemAspects(item_id))
            continue
        named = topics if by == counted.by else ()
        spoken = [
            Aspect(name, int(its.praised[at]), int(its.blamed[at]))
            for at, name in enumerate(named)
            if its.praised[at] or its.blamed[at]
        ]
        found.append(
            ItemAspects(
                item_id,
                its.reviews,
                round(its.sentiment, 3),
                [named[at] for at in its.praised_for() if at < len(named)],
                sorted(spoken, key=lambda each: (-each.praised - each.blamed, each.name)),
            )
        )
    return found


def names_here(opine: Opining | None) -> tuple[Sequence[str], str]:
    """The names of the topics, and what they are of; nothing where nothing reads opinions here."""
    return ((), "") if opine is None else (opine.topics, opine.by)


def aspects_route(on_request: OnRequest) -> HTTPRouteHandler:
    """The route."""

    @get(
        "/v1/items/{item_id:str}/aspects",
        operation_id="aspects",
        summary="What reviews say of an item",
        description=(
            "By the texts of its reviews, whatever stars they have: how they feel, and which topics they "
            "praise and blame. The topics were found in reviews when the model was trained. It is no part "
            "of any score."
        ),
        tags=["on request"],
        responses={
            **says(400, "A parameter is unknown or out of range"),
            **says(404, "Nobody knows the item"),
            **UNANSWERED,
        },
    )
    async def read_aspects(request: Request[Any, Any, Any], item_id: ItemId) -> Response[ItemAspects]:
        check_once(request, ())
        ranker = on_request.ranker
        names = names_here(None if ranker.live is None else ranker.live.opine)
        (found,) = await on_request.answered(ranker.ask(aspects_of, [item_id], *names))
        if found is None:
            raise unknown("item", item_id, "an item that was announced or met", "put the item first")
        return response(json_answer(200, found, JSON, NO_STORE))

    return read_aspects
