"""POST /v1/rank: the caller's own candidates, in the order in which this user should see them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from functools import partial
from typing import Any, cast

from litestar import Request, Response, post
from litestar.handlers import HTTPRouteHandler

from streams.gateway.answers import Answer, response
from streams.gateway.bodies import body_of
from streams.gateway.errors import ProblemError, problem, says
from streams.gateway.idempotency import AT_WORK, IdempotentAnswers
from streams.gateway.openapi import body_as
from streams.gateway.operations import IDEMPOTENCY_KEY
from streams.gateway.ranking.bodies import GivenItem, RankBody
from streams.gateway.ranking.json_bodies import decoded
from streams.gateway.ranking.on_request import UNANSWERED, OnRequest
from streams.gateway.ranking.ranked import Ranked, ranked, ranked_answer
from streams.serving.ranker_asked import Asked
from streams.serving.ranker_asked import GivenItem as Given

PATH = "/v1/rank"
TOLD_MAX = 262_144
"""Characters that one request may say of its items, but for titles and texts: a ranker keeps them with the
slate.
"""
EXAMPLE = {
    "user_id": "ann",
    "items": ["B0002E1O5C", {"item_id": "B0002F7K7Y", "price": 12.5, "boost": 0.3}],
    "n": 2,
    "surface": "shelf",
}


def asked_of(body: RankBody, candidates_max: int) -> Asked:
    """What a body asks for; raises `ProblemError`."""
    user = user_of(body.user_id, body.session)
    session = "" if body.user_id is None else body.session or ""
    told = list[GivenItem]()
    if {*map(type, body.items)} == {str}:  # as nearly always; to look at each of 300 takes 40 us
        items = tuple(cast("list[str]", body.items))
    else:
        items = tuple(each if isinstance(each, str) else each.item_id for each in body.items)
        told = [each for each in body.items if isinstance(each, GivenItem)]
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
        given=given_of(told) if told else {},
        relevancy_weight=body.relevancy_weight,
    )


def given_of(items: Sequence[GivenItem]) -> dict[str, Given]:
    """What is said of candidates; raises `ProblemError` where one thing is said twice, and differently."""
    found = dict[str, GivenItem]()
    for item in items:
        if found.setdefault(item.item_id, item) != item:
            raise _refused("one entry for each item", f"item {item.item_id!r} twice, with other fields")
    told = [item for item in found.values() if item.says_more]
    if (letters := sum(item.letters for item in told)) > TOLD_MAX:
        raise _refused(
            f"at most {TOLD_MAX} characters in categories, tags and attributes of all items",
            f"{letters} characters",
        )
    if any(item.relevancy is not None for item in told) and any(item.position is not None for item in told):
        raise _refused("relevancy, or position", "both of them: their scales differ")
    return {item.item_id: item.as_given() for item in told}


def _refused(expected: str, came: str) -> ProblemError:
    remedy = "correct the fields of the items"
    return ProblemError(problem(422, "bad_request", expected=expected, came=came, remedy=remedy))


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


class Rankings:
    """Answers what `RankBody` asks for: for the described route, and for the plain one."""

    def __init__(self, on_request: OnRequest) -> None:
        self.on_request = on_request
        self.most = on_request.settings.ranker.candidates_max

    async def answer(self, raw: bytes) -> Answer:
        """The answer to a body; raises `ProblemError`."""
        return await self.ranking(decoded(raw, RankBody))

    async def ranking(self, body: RankBody, event_id: str = "") -> Answer:
        """`event_id`: of the impression, a new one where none is given."""
        ranker = self.on_request.ranker
        asked = asked_of(body, self.most)
        answer = await self.on_request.answered(ranker.slate(asked))
        if body.impression:
            self.on_request.show(answer.slate, range(len(answer.slate.items)), asked.surface, event_id)
        return ranked_answer(ranked(answer, explain=body.explain))


def rank_route(rankings: Rankings, answers: IdempotentAnswers) -> HTTPRouteHandler:
    """The route."""

    @post(
        PATH,
        status_code=200,
        summary="Rank your own candidates",
        description=(
            f"Ranks the items of the body (at most {rankings.most}) for a user, as their feed is ranked: by "
            "the same model, counters and arms. Items that the user has met stay in. An item may bring "
            "fields of its own, which count in this request alone; one that nobody knows is ranked by "
            "them. What is answered counts as shown, unless `impression` is false: let `n` be what you show."
        ),
        tags=["on request"],
        operation_class=body_as(RankBody, EXAMPLE, [IDEMPOTENCY_KEY]),
        responses={
            **says(400, "The body is not JSON"),
            **says(408, "The body did not come to its end in time"),
            **says(409, AT_WORK),
            **says(413, "The body is too large"),
            **says(422, "The body asks for what can't be"),
            **UNANSWERED,
        },
    )
    async def rank(request: Request[Any, Any, Any]) -> Response[Ranked]:
        _ = rankings.on_request.ranker  # whoever ranks elsewhere reads the body
        raw = await body_of(request)
        body = decoded(raw, RankBody)
        return response(
            await answers.answer(
                request.scope["headers"],
                f"POST {PATH}",
                raw,
                partial(rankings.ranking, body),
                user_of(body.user_id, body.session),
            )
        )

    return rank
