"""GET /v1/users/{user_id}/feed: what a user should see now, read from the store."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated, Literal

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import PathParameter, QueryParameter

from model.errors import StoreUnavailableError
from streams.clock import Clock
from streams.gateway.errors import PROBLEM_JSON, Problem, ProblemError, problem, unavailable
from streams.gateway.impressions import ImpressionLog, impression_of
from streams.gateway.metrics import GatewayMetrics
from streams.gateway.shelf import Shelf, Shown
from streams.ranking.degradation import RUNGS
from streams.settings.tree import Settings

DEFAULT_N = 10
USER_ID_MAX = 128


class FeedReason(msgspec.Struct):
    """Why an item is there: "after" or "with" or "similar" to `item_id`; "popular"; "new"; "for_you".

    "shares": the knowledge graph links it to `item_id`; `text` names the link, and that item's title follows.
    """

    kind: str
    item_id: str | None
    text: str | None = None


class FeedItem(msgspec.Struct):
    """One place of a feed; `source` is the candidate source that brought the item.

    `feed`: "own" where the worker ranked the item for this user; "popular" where the popular feed fills a
    place for which the user's own slate has no item. Do not compare scores of the two.
    """

    item_id: str
    score: float
    source: str
    reason: FeedReason
    feed: Literal["own", "popular"] = "own"


class Feed(msgspec.Struct):
    """The answer. `rung` is the step of the degradation ladder: full, fewer, counters, popular, or empty.

    A user without items of their own gets "popular"; "empty" means that there is no item to show to this
    user. `cause` is the event that led to the user's own slate, `times` its stages in ms since the epoch
    (event, accepted, applied, pushed), `ts` the time of the slate. Send `slate_id` back with clicks.
    """

    user_id: str
    slate_id: str
    ts: int
    items: list[FeedItem]
    model: str
    rung: str
    arm: str
    cause: str
    times: dict[str, float]


def feed_route(
    settings: Settings, shelf: Shelf, impressions: ImpressionLog, clock: Clock, metrics: GatewayMetrics
) -> HTTPRouteHandler:
    """The route that serves feeds."""
    size = settings.feed.size
    gateway = settings.gateway

    async def show(user_id: str, n: int) -> Shown:
        started_s = time.perf_counter()
        try:
            async with asyncio.timeout(gateway.timeout_ms / 1_000):
                return await shelf.show(user_id, n)
        except (StoreUnavailableError, TimeoutError) as error:
            came = str(error) or f"no answer within {gateway.timeout_ms} ms"
            raise unavailable("store", came, gateway.retry_after_s) from None
        finally:
            metrics.feed_read_s.observe(time.perf_counter() - started_s)

    @get(
        "/v1/users/{user_id:str}/feed",
        summary="Read a feed",
        description=(
            f"The first `n` (1 to {size}) items of the user's feed as it is now. The gateway logs an "
            "impression for each answer, unless `impression=false`. It leaves out withdrawn items. Where the "
            "user's own slate has fewer items, or none, the popular feed fills it up with items that the "
            "user has not met; `feed` of each item says which. A feed is shorter than `n` where there are no "
            "more such items, and empty (`rung` is `empty`) where there is none."
        ),
        tags=["feeds"],
        responses={
            400: ResponseSpec(Problem, description="n or user_id is out of range", media_type=PROBLEM_JSON),
            503: ResponseSpec(Problem, description="The store does not answer", media_type=PROBLEM_JSON),
        },
    )
    async def read_feed(
        user_id: Annotated[str, PathParameter(description="The id that the user's events carry.")],
        n: Annotated[int | None, QueryParameter(description="How many items; 10 where left out.")] = None,
        impression: Annotated[
            bool, QueryParameter(description="false for a preview: no impression is logged.")
        ] = True,
    ) -> Response[Feed]:
        wanted = min(DEFAULT_N, size) if n is None else n
        if not 1 <= wanted <= size:
            raise ProblemError(_out_of_range("n", f"1 to {size}", str(wanted)))
        if len(user_id) > USER_ID_MAX:
            raise ProblemError(
                _out_of_range("user_id", f"at most {USER_ID_MAX} characters", f"{len(user_id)} characters")
            )
        shown = await show(user_id, wanted)
        slate = shown.slate
        metrics.feeds.labels(slate.rung if slate.rung in RUNGS else "empty").inc()
        metrics.count_places(shown.own, len(slate.items) - shown.own, shown.withdrawn)
        if impression and slate.items:
            impressions.add(impression_of(slate, user_id, clock.now_ms()))
        return Response(_feed(shown, user_id), headers={"Cache-Control": "no-store"})

    return read_feed


def _feed(shown: Shown, user_id: str) -> Feed:
    slate = shown.slate
    items = [
        FeedItem(
            item.item_id,
            item.score,
            item.source,
            FeedReason(item.reason.kind, item.reason.item_id, item.reason.text),
            "own" if place < shown.own else "popular",
        )
        for place, item in enumerate(slate.items)
    ]
    return Feed(
        user_id,
        slate.slate_id,
        slate.ts,
        items,
        slate.model,
        slate.rung,
        slate.arm,
        slate.cause,
        slate.times,
    )


def _out_of_range(name: str, expected: str, came: str) -> Problem:
    return problem(
        400,
        "out_of_range",
        expected=f"{name}: {expected}",
        came=came,
        remedy=f"ask again with {name} in range",
    )
