"""GET /v1/users/{user_id}/feed: what a user should see now, read from the store."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from typing import Annotated

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import PathParameter, QueryParameter

from model.errors import StoreError, StoreUnavailableError
from streams.clock import Clock
from streams.feed import Slate, decode
from streams.gateway.errors import PROBLEM_JSON, Problem, ProblemError, problem, unavailable
from streams.gateway.impressions import ImpressionLog, impression_of
from streams.gateway.metrics import GatewayMetrics
from streams.ladder import RUNGS
from streams.settings import Settings
from streams.stores.base import Store

log = logging.getLogger(__name__)

POPULAR = ""
"""The user id under which workers keep the popular feed, for those who have none of their own."""
DEFAULT_N = 10
USER_ID_MAX = 128


class FeedReason(msgspec.Struct):
    """Why an item is there: "after" or "with" or "similar" to `item_id`; "popular"; "new"; "for_you".

    "shares": linked to `item_id` in the knowledge graph; `text` is how, to be followed by that item's title.
    """

    kind: str
    item_id: str | None
    text: str | None = None


class FeedItem(msgspec.Struct):
    """One place of a feed; `source` is the candidate source that brought it."""

    item_id: str
    score: float
    source: str
    reason: FeedReason


class Feed(msgspec.Struct):
    """The answer. `rung` is the step of the degradation ladder: full, fewer, counters, popular, or empty.

    "popular" is also what a user without events gets; "empty" means that nothing has been seen popular yet.
    `cause` is the event that led to this slate, `times` its stages in ms since the epoch (event, accepted,
    applied, pushed), `ts` when it was made. Send `slate_id` back with clicks.
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
    settings: Settings, store: Store, impressions: ImpressionLog, clock: Clock, metrics: GatewayMetrics
) -> HTTPRouteHandler:
    """The route that serves feeds."""
    size = settings.feed.size
    gateway = settings.gateway

    async def slate_for(user_id: str) -> Slate:
        """The user's slate, else the popular one under a new slate id, else an empty one."""
        started_s = time.perf_counter()
        try:
            async with asyncio.timeout(gateway.timeout_ms / 1_000):
                own = _read(await store.feed(user_id))
                if own is not None:
                    return own
                popular = _read(await store.feed(POPULAR))
        except (StoreUnavailableError, TimeoutError) as error:
            came = str(error) or f"no answer within {gateway.timeout_ms} ms"
            raise unavailable("store", came, gateway.retry_after_s) from None
        finally:
            metrics.feed_read_s.observe(time.perf_counter() - started_s)
        slate_id = uuid.uuid4().hex
        if popular is None:
            return Slate(slate_id, user_id, clock.now_ms(), [], model="", rung="empty")
        return msgspec.structs.replace(popular, slate_id=slate_id, user_id=user_id, rung="popular")

    @get(
        "/v1/users/{user_id:str}/feed",
        summary="Read a feed",
        description=(
            f"The first `n` (1 to {size}) items of the user's feed as it is now. Serving it logs an "
            "impression, unless `impression=false`. A user without events gets the popular feed (`rung` is "
            "`popular`); before any event at all the feed is empty (`rung` is `empty`)."
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
        shown = min(DEFAULT_N, size) if n is None else n
        if not 1 <= shown <= size:
            raise ProblemError(_out_of_range("n", f"1 to {size}", str(shown)))
        if len(user_id) > USER_ID_MAX:
            raise ProblemError(
                _out_of_range("user_id", f"at most {USER_ID_MAX} characters", f"{len(user_id)} characters")
            )
        slate = await slate_for(user_id)
        metrics.feeds.labels(slate.rung if slate.rung in RUNGS else "empty").inc()
        if impression and slate.items:
            impressions.add(impression_of(slate, user_id, shown, clock.now_ms()))
        return Response(_feed(slate, shown), headers={"Cache-Control": "no-store"})

    return read_feed


def _read(raw: bytes | None) -> Slate | None:
    """The slate, or None where there is none that this build can read."""
    if raw is None:
        return None
    try:
        return decode(raw)
    except StoreError:
        log.exception("a feed in the store can't be read, going on without it")
        return None


def _feed(slate: Slate, shown: int) -> Feed:
    items = [
        FeedItem(
            item.item_id,
            item.score,
            item.source,
            FeedReason(item.reason.kind, item.reason.item_id, item.reason.text),
        )
        for item in slate.items[:shown]
    ]
    return Feed(
        slate.user_id,
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
