"""GET /v1/users/{user_id}/feed as /schema describes it; Litestar also takes requests in unusual spellings."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import PathParameter, QueryParameter

from streams.gateway.answers import response
from streams.gateway.conditional import conditions_of
from streams.gateway.errors import PROBLEM_JSON, Problem
from streams.gateway.feeds import Feed, FeedReads
from streams.gateway.operations import IF_NONE_MATCH, operation

FEED_TEMPLATE = "/v1/users/{user_id}/feed"


def feed_route(reads: FeedReads) -> HTTPRouteHandler:
    """The route that serves feeds."""

    @get(
        FEED_TEMPLATE.replace("}", ":str}"),
        summary="Read a feed",
        description=(
            f"The first `n` (1 to {reads.size}) items of the user's feed as it is now. The gateway logs an "
            "impression for each answer, unless `impression=false`. It leaves out withdrawn items. Where the "
            "user's own slate has fewer items, or none, the popular feed fills it up with items that the "
            "user has not met; `feed` of each item says which. A feed is shorter than `n` where there are no "
            "more such items, and empty (`rung` is `empty`) where there is none. The entity tag of a feed is "
            "its `slate_id` in quotes: with it in If-None-Match, a feed that is still the same is answered "
            "304, and no impression is logged."
        ),
        tags=["feeds"],
        operation_class=operation(headers=[IF_NONE_MATCH]),
        responses={
            304: ResponseSpec(
                None, description="It is the feed that the client knows", media_type=PROBLEM_JSON
            ),
            400: ResponseSpec(Problem, description="n or user_id is out of range", media_type=PROBLEM_JSON),
            503: ResponseSpec(Problem, description="The store does not answer", media_type=PROBLEM_JSON),
        },
    )
    async def read_feed(
        request: Request[Any, Any, Any],
        user_id: Annotated[str, PathParameter(description="The id that the user's events carry.")],
        n: Annotated[int | None, QueryParameter(description="How many items; 10 where left out.")] = None,
        impression: Annotated[
            bool, QueryParameter(description="false for a preview: no impression is logged.")
        ] = True,
    ) -> Response[Feed]:
        count, conditions = reads.default if n is None else n, conditions_of(request.scope["headers"])
        return response(await reads.answer(user_id, count, impression, conditions))

    return read_feed
