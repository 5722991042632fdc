"""/v1/users/{user_id}/feed as /schema describes it: the stored feed, or one that is ranked now."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import PathParameter, QueryParameter

from streams.events.refused_value import with_value
from streams.gateway.answers import response
from streams.gateway.bodies import body_of
from streams.gateway.conditional import conditions_of
from streams.gateway.errors import PROBLEM_JSON, says
from streams.gateway.feeds import FeedReads, out_of_range
from streams.gateway.idempotency import AT_WORK, IdempotentAnswers
from streams.gateway.loopback import check_loopback
from streams.gateway.openapi import body_as
from streams.gateway.operations import IDEMPOTENCY_KEY, IF_NONE_MATCH, operation
from streams.gateway.ranking.cursor import PATTERN
from streams.gateway.ranking.feed_body import PLACES_MAX, TEN_YEARS_S, FeedBody
from streams.gateway.ranking.filtered import wrong
from streams.gateway.ranking.json_bodies import decoded
from streams.gateway.ranking.on_request import OnRequest
from streams.gateway.ranking.parameters import check_once
from streams.gateway.ranking.ranked import Ranked
from streams.gateway.ranking.ranked_feed import RankedFeeds
from streams.ranking.attribute_expression import LENGTH_MAX

FEED_TEMPLATE = "/v1/users/{user_id}/feed"
PATH = FEED_TEMPLATE.replace("}", ":str}")
MANY = ("exclude", "categories", "tags", "context")
EXAMPLE = {"n": 5, "exclude": ["B0002E1O5C"], "attributes": "colour:red and not size:S", "explain": True}

UserId = Annotated[str, PathParameter(description="The id that the user's events carry.")]
Text = Annotated[str, msgspec.Meta(max_length=256)]
Id = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]


def feed_routes(
    on_request: OnRequest, reads: FeedReads, answers: IdempotentAnswers
) -> list[HTTPRouteHandler]:
    """The routes that serve feeds."""
    feeds = RankedFeeds(on_request, reads)
    refusals = {
        **says(400, "A parameter is out of range, unknown, or can't be read"),
        **says(403, "It asks for an arm, and does not come from a loopback address"),
        **says(503, "The store does not answer, or the ranker does not"),
    }

    @get(
        PATH,
        summary="Read a feed",
        description=(
            f"The first `n` (1 to {reads.size}) items of the user's feed as it is now. The gateway logs an "
            "impression for each answer, unless `impression=false`. It leaves out withdrawn items. Where the "
            "user's own slate has fewer items, or none, the popular feed fills it up with items that the "
            "user has not met; `feed` of each item says which. A feed is shorter than `n` where there are no "
            "more such items, and empty (`rung` is `empty`) where there is none. The entity tag of a feed is "
            "its `slate_id` in quotes: with it in If-None-Match, a feed that is still the same is answered "
            "304, and no impression is logged. With any parameter besides `n` and `impression`, the feed is "
            "ranked now, for this answer alone."
        ),
        tags=["feeds"],
        operation_class=operation(headers=[IF_NONE_MATCH]),
        responses={
            304: ResponseSpec(
                None, description="It is the feed that the client knows", media_type=PROBLEM_JSON
            ),
            **refusals,
        },
    )
    async def read_feed(
        request: Request[Any, Any, Any],
        user_id: UserId,
        n: Annotated[int | None, QueryParameter(description="How many items; 10 where left out.")] = None,
        impression: Annotated[
            bool, QueryParameter(description="false for a preview: no impression is logged.")
        ] = True,
        exclude: Annotated[
            list[Id] | None,
            QueryParameter(description="Ids of items not to be shown.", max_items=1_000),
        ] = None,
        categories: Annotated[
            list[Text] | None, QueryParameter(description="An item is in one of them.", max_items=64)
        ] = None,
        tags: Annotated[
            list[Text] | None, QueryParameter(description="An item has all of them.", max_items=64)
        ] = None,
        price_from: Annotated[
            float | None, QueryParameter(description="The lowest price.", ge=0, le=1e12)
        ] = None,
        price_to: Annotated[
            float | None, QueryParameter(description="The highest price.", ge=0, le=1e12)
        ] = None,
        available: Annotated[bool, QueryParameter(description="false: withdrawn items too.")] = True,
        attributes: Annotated[
            str | None,
            QueryParameter(
                description="What an item must have, as `colour:red and not (size:S or size:M)`.",
                max_length=LENGTH_MAX,
            ),
        ] = None,
        surface: Annotated[
            str | None, QueryParameter(description="Where it is shown; feed where left out.", max_length=256)
        ] = None,
        session: Annotated[
            str | None,
            QueryParameter(
                description="An id under which the user acted before they were known by name.",
                min_length=1,
                max_length=128,
            ),
        ] = None,
        context: Annotated[
            list[Text] | None,
            QueryParameter(
                description="NAME:VALUE: counts as a field of the user's profile, for this feed alone.",
                max_items=32,
            ),
        ] = None,
        not_seen_for: Annotated[
            int,
            QueryParameter(
                description="What was shown within so many seconds is not shown again, as far as known.",
                ge=0,
                le=TEN_YEARS_S,
            ),
        ] = 0,
        explain: Annotated[bool, QueryParameter(description="With what each score is the sum of.")] = False,
        arm: Annotated[
            str | None,
            QueryParameter(
                description="What this arm would show, such as ranking=bold; from the gateway's own machine"
                " alone. Nothing of it counts as shown.",
                max_length=256,
            ),
        ] = None,
        cursor: Annotated[
            str | None,
            QueryParameter(
                description="Of the answer before: its slate's next page. It goes with n, explain and"
                " impression alone.",
                pattern=PATTERN,
                max_length=64,
            ),
        ] = None,
    ) -> Response[Ranked]:
        check_once(request, [name for name in KNOWN if name not in MANY])
        given = {
            "impression": impression,
            "exclude": exclude,
            "categories": categories,
            "tags": tags,
            "price_from": price_from,
            "price_to": price_to,
            "available": available,
            "attributes": attributes,
            "surface": surface,
            "session": session,
            "context": None if context is None else _pairs(context),
            "not_seen_for": not_seen_for,
            "explain": explain,
            "arm": arm,
            "cursor": cursor,
        }
        body = _converted(given)
        if body.plain:  # the bounds of `n` are the stored feed's
            count, conditions = reads.default if n is None else n, conditions_of(request.scope["headers"])
            return response(await reads.answer(user_id, count, impression, conditions))
        if n is not None and not 1 <= n <= PLACES_MAX:
            raise out_of_range("n", f"1 to {PLACES_MAX}", str(n))
        _check_preview(request, body)
        return response(await feeds.answer(user_id, msgspec.structs.replace(body, n=n)))

    @post(
        PATH,
        status_code=200,
        summary="Read a feed that is ranked now",
        description="What GET takes as parameters, as a body.",
        tags=["feeds"],
        operation_class=body_as(FeedBody, EXAMPLE, [IDEMPOTENCY_KEY]),
        responses={
            **refusals,
            **says(408, "The body did not come to its end in time"),
            **says(409, AT_WORK),
            **says(413, "The body is too large"),
            **says(422, "The body asks for what can't be"),
        },
    )
    async def ask_feed(request: Request[Any, Any, Any], user_id: UserId) -> Response[Ranked]:
        raw = await body_of(request)
        body = decoded(raw, FeedBody)
        _check_preview(request, body)
        target, make = f"POST {request.url.path}", partial(feeds.answer, user_id, body)
        return response(await answers.answer(request.scope["headers"], target, raw, make, user_id))

    return [read_feed, ask_feed]


KNOWN = FeedBody.__struct_fields__


def _check_preview(request: Request[Any, Any, Any], body: FeedBody) -> None:
    """What other users' arms would show is for operators; raises `ProblemError` (403)."""
    if body.arm:
        check_loopback(request)


def _pairs(texts: list[str]) -> dict[str, str]:
    """NAME:VALUE each; raises `ProblemError`."""
    pairs = {}
    for text in texts:
        name, colon, value = text.partition(":")
        if not colon or not name:
            raise wrong("context: NAME:VALUE, such as device:phone", repr(text[:60]))
        pairs[name] = value
    return pairs


def _converted(given: dict[str, Any]) -> FeedBody:
    try:
        return msgspec.convert({name: value for name, value in given.items() if value is not None}, FeedBody)
    except msgspec.ValidationError as error:
        raise wrong("parameters within their bounds", with_value(str(error), given)) from None
