"""POST /v1/rank: the caller's own candidates, in the order in which this user should see them."""

from __future__ import annotations

import uuid
from typing import Any

from litestar import Request, Response, post
from litestar.handlers import HTTPRouteHandler

from streams.gateway.answers import response
from streams.gateway.errors import ProblemError, problem, says
from streams.gateway.openapi import body_as
from streams.gateway.ranking.bodies import RankBody
from streams.gateway.ranking.json_bodies import json_body
from streams.gateway.ranking.on_request import UNANSWERED, OnRequest
from streams.gateway.ranking.ranked import Ranked, ranked, ranked_answer
from streams.serving.ranker_asked import Asked

PATH = "/v1/rank"
EXAMPLE = {"user_id": "ann", "items": ["B0002E1O5C", "B0002F7K7Y"], "n": 2, "surface": "shelf"}


def asked_of(body: RankBody, candidates_max: int) -> Asked:
    """What a body asks for; raises `ProblemError`."""
    user = user_of(body.user_id, body.session)
    session = "" if body.user_id is None else body.session or ""
    items = tuple(each if isinstance(each, str) else each.item_id for each in body.items)
    if len(items) > candidates_max:
        raise ProblemError(
            problem(
                422, "too_many_items", expected=f"at most {candidates_max} items (ranker.candidates_max)",
                came=f"{len(items)} items", remedy="send the best of them, or several requests",
            )
        )  # fmt: skip
    return Asked(
        user=user,
        session=session,
        items=items,
        size=body.n or 0,
        surface=body.surface,
        exclude=tuple(body.exclude),
        filter=body.filter.as_filter(),
        query=body.query,
        context=body.context,
        cause=uuid.uuid4().hex,
    )


def user_of(user_id: str | None, session: str | None) -> str:
    """Whose slate is asked for; raises `ProblemError` where nobody's is."""
    if (user := user_id or session) is None:
        raise ProblemError(
            problem(
                422, "no_user", expected="user_id, or session", came="neither of them",
                remedy="send user_id, or session for someone who is not known by name",
            )
        )  # fmt: skip
    return user


def rank_route(on_request: OnRequest) -> HTTPRouteHandler:
    """The route."""
    most = on_request.settings.ranker.candidates_max

    @post(
        PATH,
        status_code=200,
        summary="Rank your own candidates",
        description=(
            f"Ranks the items of the body (at most {most}) for a user, as their feed is ranked: by the same "
            "model, counters and arms. Items that the user has met stay in. What is answered counts as "
            "shown, unless `impression` is false: let `n` be what you show."
        ),
        tags=["on request"],
        operation_class=body_as(RankBody, EXAMPLE),
        responses={
            **says(400, "The body is not JSON"),
            **says(408, "The body did not come to its end in time"),
            **says(413, "The body is too large"),
            **says(422, "The body asks for what can't be"),
            **UNANSWERED,
        },
    )
    async def rank(request: Request[Any, Any, Any]) -> Response[Ranked]:
        ranker = on_request.ranker
        body = await json_body(request, RankBody)
        asked = asked_of(body, most)
        answer = await on_request.answered(ranker.slate(asked))
        if body.impression:
            on_request.show(answer.slate, range(len(answer.slate.items)), asked.surface)
        return response(ranked_answer(ranked(answer, explain=body.explain)))

    return rank
