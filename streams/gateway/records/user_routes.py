"""/v1/users and /v1/users/{user_id}: profiles, one at a time, a page, or all of them."""

from __future__ import annotations

from collections.abc import Awaitable
from functools import partial
from typing import Annotated, Literal

import msgspec
from litestar import Response, delete, get, patch, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.spec import Operation
from litestar.params import PathParameter, QueryParameter

from streams.events.schema import Forget
from streams.gateway.addresses import check_path_id
from streams.gateway.answers import JSON, Answer, response
from streams.gateway.bodies import body_of
from streams.gateway.conditional import Conditions
from streams.gateway.idempotency import IdempotentAnswers
from streams.gateway.operations import (
    IDEMPOTENCY_KEY,
    IF_MATCH,
    IF_NONE_MATCH,
    json_body,
    operation,
)
from streams.gateway.receipts import Result
from streams.gateway.records.answering import Asked, listed, written
from streams.gateway.records.listing import Page, UserListing
from streams.gateway.records.records import Records
from streams.gateway.records.replies import (
    CHANGED,
    DELETED,
    LISTED,
    MERGE_PATCH,
    PUT,
    READ,
    STREAMED,
    not_lines,
)
from streams.gateway.records.user_kind import UserContent, UserDocument

USERS_PATH = "/v1/users"
UserId = Annotated[str, PathParameter(description="The id that events carry.")]
EXAMPLE = {"profile": {"country": "DE", "plan": "gold"}}


class UserPage(msgspec.Struct):
    """Some users. `cursor`: where the next page begins; null after the last."""

    users: list[UserDocument]
    cursor: str | None


def user_routes(records: Records[UserDocument], answers: IdempotentAnswers) -> list[HTTPRouteHandler]:
    """The routes of single users and of pages."""
    one = f"{USERS_PATH}/{{user_id:str}}"

    @get(
        one,
        summary="Read a user",
        tags=["users"],
        operation_class=operation(headers=[IF_NONE_MATCH]),
        responses=READ,
    )
    async def read_user(user_id: UserId) -> Response[UserDocument]:
        check_path_id("user_id", user_id)
        return response(await records.read(user_id))

    @put(
        one,
        status_code=202,
        summary="Put a profile",
        description=(
            "The whole profile: what the body does not say is gone. It is in Kafka when the answer comes, "
            "and reads of this user show it from then on. With `If-Match` only where the profile is as the "
            "client knows it, with `If-None-Match: *` only of a user whom nobody knows yet."
        ),
        tags=["users"],
        operation_class=operation(
            json_body(UserContent, EXAMPLE), [IF_MATCH, IF_NONE_MATCH, IDEMPOTENCY_KEY]
        ),
        responses=PUT,
    )
    async def put_user(request: Asked, user_id: UserId) -> Response[UserDocument]:
        check_path_id("user_id", user_id)
        body = await body_of(request)
        return await written(request, answers, body, partial(records.put, user_id, body), user_id)

    @patch(
        one,
        status_code=202,
        summary="Change a profile",
        description=(
            "A JSON merge patch (RFC 7396): what it names changes, null takes away, all else stays. Of two "
            "patches at once, the second one is applied to what the first one made; with `If-Match` it is "
            "refused (412) instead."
        ),
        tags=["users"],
        operation_class=operation(
            json_body(UserContent, {"profile": {"plan": None}}, (MERGE_PATCH, JSON)),
            [IF_MATCH, IDEMPOTENCY_KEY],
        ),
        responses=CHANGED,
    )
    async def patch_user(request: Asked, user_id: UserId) -> Response[UserDocument]:
        check_path_id("user_id", user_id)
        body = await body_of(request)
        return await written(request, answers, body, partial(records.patch, user_id, body), user_id)

    @delete(
        one,
        status_code=202,
        summary="Delete a user",
        description=(
            "Nothing of the user is known any more that happened up to now: history, profile, feed, slates, "
            "and what experiments measured. The deletion is in Kafka when the answer comes; reads of this "
            "user answer 404 from then on, and a worker deletes the rest a moment later. What comes late "
            "from before is left out; what the user does from now on is a new user's. A user whom nobody "
            "knows is deleted all the same: events of theirs may be on their way."
        ),
        tags=["users"],
        operation_class=operation(headers=[IF_MATCH, IDEMPOTENCY_KEY]),
        responses=DELETED,
    )
    async def delete_user(request: Asked, user_id: UserId) -> Response[Result]:
        check_path_id("user_id", user_id)

        def write(conditions: Conditions, event_id: str) -> Awaitable[Answer]:
            def deletes(ts: int) -> Forget:
                return Forget(event_id=event_id, ts=ts, user_id=user_id)

            return records.delete(user_id, conditions, event_id, deletes)

        return await written(request, answers, b"", write)

    @get(
        USERS_PATH,
        summary="List users",
        description=(
            "Users who have acted, or whose profile was put; a page at a time, or with "
            "`Accept: application/x-ndjson` all from the cursor on, a user a line. They come in no order, "
            "and one may come twice. A page has about `n` users, and may be empty; there is more where "
            "`cursor` is not null."
        ),
        tags=["users"],
        operation_class=operation(lines="Lines of JSON, an UserDocument each."),
        responses=LISTED,
    )
    async def list_users(
        request: Asked,
        n: Annotated[int | None, QueryParameter(description="How many users a page has, about.")] = None,
        cursor: Annotated[str, QueryParameter(description="`cursor` of the page before.")] = "",
    ) -> Response[UserPage]:
        def shown(page: Page[UserDocument]) -> UserPage:
            return UserPage(list(page.documents), page.cursor or None)

        return await listed(request, records, UserListing(records.store), cursor, n, shown)

    return [read_user, put_user, patch_user, delete_user, list_users]


def user_lines_route(described: type[Operation]) -> HTTPRouteHandler:
    """As /schema describes it; plain routes answer what is NDJSON (`streams.gateway.hot_routes`)."""

    @post(
        USERS_PATH,
        status_code=200,
        summary="Put profiles in bulk",
        description=(
            "Profiles as NDJSON, one a line, each with its `user_id`; without a bound on their number. "
            "Each line is answered while the body comes."
        ),
        tags=["users"],
        operation_class=described,
        responses=STREAMED,
    )
    async def put_user_lines(
        request: Asked,
        answers: Annotated[
            Literal["each", "refused"], QueryParameter(description="Which lines are answered.")
        ] = "each",
    ) -> None:
        raise not_lines(request)

    return put_user_lines
