"""/v1/users/{user_id}/live as /schema describes it; `streams.gateway.live.answering` answers it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import PathParameter, QueryParameter

from streams.gateway.errors import ProblemError, problem, says
from streams.gateway.feeds import FeedReads
from streams.gateway.live.asked import LIVE_TEMPLATE
from streams.gateway.live.server_sent import MEDIA_TYPE
from streams.gateway.operations import LAST_EVENT_ID, operation
from streams.settings.live import LiveSettings


class LiveEvent(msgspec.Struct):
    """An event of the stream; `data` is a `Feed` as JSON, `id` its revision. `retry`: ms after which to come
    back.
    """

    event: Literal["feed"]
    id: str
    data: str
    retry: int | None = None


PATH = LIVE_TEMPLATE.replace("}", ":str}")


def live_route(settings: LiveSettings, reads: FeedReads) -> HTTPRouteHandler:
    """The route that pushes feeds."""

    @get(
        PATH,
        media_type=MEDIA_TYPE,
        summary="Follow a feed",
        description=(
            "Server-sent events: the present feed at once, and then each new one as it is made. The data of "
            f"an event `feed` is what `GET /v1/users/{{user_id}}/feed?n=` answers (1 to {reads.size} items). "
            "Its `id` is the feed's revision: a client that comes back with it in Last-Event-ID, or in "
            "`last_event_id`, is sent nothing that it has. A client that reads slowly gets the newest feed, "
            "and not those in between. No impression is logged unless `impression=true`. A comment comes "
            f"where nothing else did for {settings.ping_every_s:g} s. A connection ends after "
            f"{settings.longest_s:g} s at the latest: come back then. With `Upgrade: websocket` the same "
            "feeds come as messages of JSON with the fields event, id and data."
        ),
        tags=["feeds"],
        operation_class=operation(headers=[LAST_EVENT_ID]),
        responses={
            200: ResponseSpec(LiveEvent, description="Events without an end", media_type=MEDIA_TYPE),
            **says(400, "A parameter is out of range, or unknown"),
            **says(429, f"The user has {settings.per_user_max} connections already"),
            **says(503, "The store does not answer, or there are too many connections"),
        },
    )
    async def follow_feed(
        request: Request[Any, Any, Any],
        user_id: Annotated[str, PathParameter(description="The id that the user's events carry.")],
        n: Annotated[int | None, QueryParameter(description="How many items; 10 where left out.")] = None,
        impression: Annotated[
            bool, QueryParameter(description="true: each feed that is sent counts as shown.")
        ] = False,
        last_event_id: Annotated[
            str | None,
            QueryParameter(description="As Last-Event-ID, where a client can't send that."),
        ] = None,
    ) -> Response[str]:
        raise ProblemError(
            problem(
                400,
                "bad_request",
                expected=f"GET {LIVE_TEMPLATE}, answered as a stream",
                came=f"{request.method} {request.url.path[:200]}",
                remedy="write the path as it stands in /schema",
            )
        )

    return follow_feed
