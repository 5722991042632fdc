"""/v1/slates/{slate_id}: a slate as it was made, and why.

Slates that were ranked on request are kept by the ranker that made them: the last `ranker.slates_kept`. Of a
worker's slates each user's newest one is in the store, so those are found by their user.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import PathParameter, QueryParameter

from model.errors import StoreError, StoreUnavailableError
from streams.gateway.answers import JSON, json_answer, response
from streams.gateway.errors import ProblemError, problem, says, unavailable
from streams.gateway.feeds import NO_STORE
from streams.gateway.lists.aspects import aspects_of, names_here
from streams.gateway.ranking.on_request import UNANSWERED, OnRequest
from streams.gateway.ranking.parameters import check_once
from streams.gateway.ranking.ranked import Contribution, Ranked, contributions, ranked, ranked_answer
from streams.learning.slate_ids import made_id
from streams.ranking.slate import decode
from streams.serving.ranker_asked import Answer
from streams.stores.base import Store

PATH = "/v1/slates/{slate_id:str}"
PLACES_MOST = 20
HISTORY_MOST = 10

SlateId = Annotated[str, PathParameter(description="As answers and impressions have it.", max_length=128)]
Owner = Annotated[
    str | None,
    QueryParameter(
        description="The slate's user, by whom a slate that a worker made is found.",
        min_length=1,
        max_length=128,
    ),
]


class ItemWorth(msgspec.Struct):
    """By how much a score falls where the user had not met the item."""

    item_id: str
    value: float


class PlaceExplained(msgspec.Struct):
    """One place. `contributions`: what its score is the sum of, exactly, as it was made. `history`: what the
    items that the user met lately are worth to it, each left out alone, the counters as they are now; these
    overlap, and are no sum. `praised_for`: what the texts of the item's reviews praise; no part of its score.
    """

    item_id: str
    score: float
    contributions: list[Contribution]
    history: list[ItemWorth]
    praised_for: list[str] = []


class Explanation(msgspec.Struct):
    """Why a slate is as it is."""

    slate_id: str
    user_id: str
    ts: int
    model: str
    rung: str
    arm: str
    items: list[PlaceExplained]


async def explanation(on_request: OnRequest, answer: Answer, places: int, history: int) -> Explanation:
    """Why the first `places` of a slate that was ranked here are as they are. Raises `ProblemError`."""
    slate = answer.slate
    worth = await on_request.answered(on_request.ranker.worth(answer, places, history)) if history else {}
    at = range(min(places, len(slate.items)))
    ranker = on_request.ranker
    names = names_here(None if ranker.live is None else ranker.live.opine)
    asked = [slate.items[k].item_id for k in at]
    told = await on_request.answered(ranker.ask(aspects_of, asked, *names))
    items = [
        PlaceExplained(
            item.item_id,
            item.score,
            parts,
            [ItemWorth(name, round(value, 6)) for name, value in worth.get(item.item_id, ())],
            [] if said is None else said.praised_for,
        )
        for item, parts, said in zip(slate.items, contributions(answer, at), told, strict=False)
    ]
    return Explanation(slate.slate_id, slate.user_id, slate.ts, slate.model, slate.rung, slate.arm, items)


def slate_routes(on_request: OnRequest, store: Store) -> list[HTTPRouteHandler]:
    """The routes."""
    missing = says(404, "No such slate is kept")
    wrong = says(400, "A parameter is unknown or out of range")
    timeout_s = on_request.settings.gateway.timeout_ms / 1_000

    async def found(slate_id: str, user_id: str | None) -> Answer:
        kept = on_request.kept(slate_id)
        if kept is not None:
            return kept.answer
        if user_id is not None:
            try:
                async with asyncio.timeout(timeout_s):
                    raw = await store.feed(user_id)
                stored = None if raw is None else decode(raw)
            except (StoreUnavailableError, TimeoutError) as error:
                came = str(error) or "no answer in time"
                raise unavailable("store", came, on_request.settings.gateway.retry_after_s) from None
            except StoreError:
                stored = None  # a feed that can't be read is none that could be shown
            if stored is not None and stored.slate_id in (slate_id, made_id(slate_id)):
                return Answer(stored)
        raise ProblemError(
            problem(
                404,
                "no_slate",
                expected="a slate that is kept: one of the last that were ranked on request"
                " (ranker.slates_kept), or with user_id the newest that a worker made for that user",
                came=slate_id[:128],
                remedy="send user_id, or read the feed again",
            )
        )

    @get(
        PATH,
        summary="A slate by its id",
        description="All places of it, as they were made. Nothing counts as shown.",
        tags=["on request"],
        responses={**wrong, **missing, **UNANSWERED},
    )
    async def get_slate(
        request: Request[Any, Any, Any], slate_id: SlateId, user_id: Owner = None
    ) -> Response[Ranked]:
        check_once(request, ("user_id",))
        return response(ranked_answer(ranked(await found(slate_id, user_id), explain=True)))

    @get(
        f"{PATH}/explanation",
        summary="Why a slate is as it is",
        description=(
            f"Of its first `places` (at most {PLACES_MOST}): what each score is the sum of, and what each of "
            "the last `history` items that the user met is worth to it. Only slates that were ranked on "
            "request can be explained; `headrace explain` does it for a user's feed."
        ),
        tags=["on request"],
        responses={**wrong, **missing, **UNANSWERED},
    )
    async def explain_slate(
        request: Request[Any, Any, Any],
        slate_id: SlateId,
        places: Annotated[int, QueryParameter(description="How many.", ge=1, le=PLACES_MOST)] = 10,
        history: Annotated[int, QueryParameter(description="How many.", ge=0, le=HISTORY_MOST)] = 5,
    ) -> Response[Explanation]:
        check_once(request, ("places", "history"))
        if not on_request.ranks_here:
            on_request.kept(slate_id)  # hands it on to the one of the rankers elsewhere that has it
            _ = on_request.ranker  # says that there is none
        explained = await explanation(on_request, await found(slate_id, None), places, history)
        return response(json_answer(200, explained, JSON, NO_STORE))

    return [get_slate, explain_slate]
