"""The routes of dead letters."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import PathParameter, QueryParameter

from streams.gateway.admin.dead_letters import LAST_POSITION, PATH, DeadLetters
from streams.gateway.admin.letter_bodies import (
    LetterCorrection,
    LetterList,
    LetterReplayed,
    LetterView,
    Replay,
    Replayed,
)
from streams.gateway.admin.replies import BODY, CHANGED, READ, admin_body
from streams.gateway.answers import json_answer, response
from streams.gateway.bodies import body_of
from streams.gateway.feeds import NO_STORE
from streams.gateway.loopback import check_loopback
from streams.gateway.operations import json_body, operation

N_DEFAULT, N_MOST = 20, 200
EXAMPLE = '{"type":"click","event_id":"e-7","ts":1763934000123,"user_id":"ann","item_id":"B0002E1O5C"}'
Asked = Request[Any, Any, Any]


def dead_letter_routes(letters: DeadLetters) -> list[HTTPRouteHandler]:
    """The routes, to list, read, mend and replay letters."""

    @get(
        PATH,
        summary="Dead letters",
        description="The newest first. With a rare `reason`, a page may be shorter than `n`, or empty.",
        tags=["dead letters"],
        responses=READ,
    )
    async def list_letters(
        n: Annotated[
            int, QueryParameter(description="How many letters a page has at most.", ge=1, le=N_MOST)
        ] = N_DEFAULT,
        before: Annotated[
            int | None,
            QueryParameter(description="`before` of the page before this one.", ge=0, le=LAST_POSITION),
        ] = None,
        reason: Annotated[str, QueryParameter(description="Only such letters.", max_length=64)] = "",
    ) -> Response[LetterList]:
        return response(json_answer(200, await letters.page(n, before, reason), headers=NO_STORE))

    @get(f"{PATH}/{{position:int}}", summary="One dead letter", tags=["dead letters"], responses=READ)
    async def get_letter(
        position: Annotated[int, PathParameter(description="Its place among the letters.")],
    ) -> Response[LetterView]:
        return response(json_answer(200, await letters.one(position), headers=NO_STORE))

    @post(
        f"{PATH}/replay",
        status_code=200,
        summary="Send dead letters back",
        description=(
            "Sends the original bytes with their key to the topic that they came from. Kafka remembers what "
            "was sent: a second replay sends only newer letters. A letter that fails again is a new one. "
            "From a loopback address alone."
        ),
        tags=["dead letters"],
        operation_class=operation(json_body(Replay, {"reason": "bad_model"}, required=False)),
        responses={**CHANGED, **BODY},
    )
    async def replay(request: Asked) -> Response[Replayed]:
        check_loopback(request)
        told = await letters.replay(admin_body(await body_of(request), Replay))
        return response(json_answer(200, told, headers=NO_STORE))

    @post(
        f"{PATH}/{{position:int}}/replay",
        status_code=200,
        summary="Send one dead letter back, as it is or mended",
        description=(
            "Without a body, the original bytes go back to their topic. With `value`, that event goes in "
            "their place: it is checked as `POST /v1/events` checks it, and the letter counts as replayed. "
            "Keep its `event_id`: an event that was applied after all then changes nothing. From a loopback "
            "address alone."
        ),
        tags=["dead letters"],
        operation_class=operation(json_body(LetterCorrection, {"value": EXAMPLE}, required=False)),
        responses={**CHANGED, **BODY},
    )
    async def replay_one_letter(
        request: Asked,
        position: Annotated[int, PathParameter(description="Its place among the letters.")],
    ) -> Response[LetterReplayed]:
        check_loopback(request)
        told = await letters.replay_one(position, admin_body(await body_of(request), LetterCorrection))
        return response(json_answer(200, told, headers=NO_STORE))

    return [list_letters, get_letter, replay, replay_one_letter]
