"""What GET /v1/users/{user_id}/feed answers: the user's feed as it is now, as JSON."""

from __future__ import annotations

import time
from typing import Literal

import msgspec

from model.errors import StoreUnavailableError
from streams.clock import Clock
from streams.gateway.answers import JSON, Answer, Headers, json_answer
from streams.gateway.conditional import UNCONDITIONAL, Conditions
from streams.gateway.errors import ProblemError, problem, unavailable
from streams.gateway.impressions import ImpressionLog, impression_of
from streams.gateway.metrics import GatewayMetrics
from streams.gateway.shelf import Shelf, ShownPart
from streams.ranking.degradation import RUNGS
from streams.settings.tree import Settings

DEFAULT_N = 10
USER_ID_MAX = 128
NO_STORE = (("cache-control", "no-store"),)


class FeedReason(msgspec.Struct, gc=False):
    """Why an item is there: "after" or "with" or "similar" to `item_id`; "popular"; "new"; "for_you";
    "explored".

    "shares": the knowledge graph links it to `item_id`; `text` names the link, and that item's title follows.
    """

    kind: str
    item_id: str | None
    text: str | None = None


class FeedItem(msgspec.Struct, gc=False):
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
    (event, accepted, fetched, handed, begun, applied, made, pushed), `ts` the time of the slate. Send
    `slate_id` back with clicks.
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


class FeedReads:
    """Answers reads of feeds, counts them, and logs the impressions."""

    def __init__(
        self,
        settings: Settings,
        shelf: Shelf,
        impressions: ImpressionLog,
        clock: Clock,
        metrics: GatewayMetrics,
    ) -> None:
        self.size = settings.feed.size
        self.default = min(DEFAULT_N, self.size)
        self._gateway = settings.gateway
        self._shelf, self._impressions, self._clock, self._metrics = shelf, impressions, clock, metrics
        self._served = {rung: metrics.feeds.labels(rung) for rung in (*RUNGS, "empty")}

    async def answer(
        self, user: str, n: int, impression: bool, conditions: Conditions = UNCONDITIONAL
    ) -> Answer:
        """The first `n` items of the feed; raises `ProblemError`.

        Of a feed that the client knows by its `slate_id` nothing is shown anew, so no impression is logged.
        """
        shown = await self.read(user, n)
        self.count(shown)
        headers: Headers = NO_STORE
        if conditions.none_matches is not None and (tag := _tag(shown.slate.slate_id)):
            headers = (*NO_STORE, ("etag", tag))
            if conditions.knows(tag):
                return Answer(304, b"", JSON, headers)
        if impression:
            self.log(shown, user)
        return json_answer(200, _feed(shown, user), headers=headers)

    async def read(self, user: str, n: int) -> ShownPart:
        """What the user should see now; raises `ProblemError`."""
        self.check(user, n)
        started_s = time.perf_counter()
        try:
            return await self._shelf.show(user, n)
        except (StoreUnavailableError, TimeoutError) as error:
            came = str(error) or f"no answer within {self._gateway.timeout_ms} ms"
            raise unavailable("store", came, self._gateway.retry_after_s) from None
        finally:
            self._metrics.feed_read_s.observe(time.perf_counter() - started_s)

    def check(self, user: str, n: int) -> None:
        """Raises `ProblemError` where there can be no such feed."""
        if not 1 <= n <= self.size:
            raise out_of_range("n", f"1 to {self.size}", str(n))
        if len(user) > USER_ID_MAX:
            raise out_of_range("user_id", f"at most {USER_ID_MAX} characters", f"{len(user)} characters")

    def count(self, shown: ShownPart) -> None:
        """Count a feed that is served."""
        self._served.get(shown.slate.rung, self._served["empty"]).inc()
        self._metrics.count_places(shown.own, shown.n - shown.own, shown.withdrawn)

    def log(self, shown: ShownPart, user: str) -> None:
        """Log an impression of it, where it shows anything."""
        if shown.n:
            self._impressions.add(impression_of(shown.slate, shown.n, user, self._clock.now_ms()))


def feed_content(shown: ShownPart, user: str) -> bytes:
    """The body of an answer that shows it."""
    return json_answer(200, _feed(shown, user)).body


def _tag(slate_id: str) -> str:
    """The entity tag of a feed: what is shown has its `slate_id`. "" where a header can't hold it."""
    return f'"{slate_id}"' if slate_id.isascii() and slate_id.isprintable() and '"' not in slate_id else ""


def _feed(shown: ShownPart, user: str) -> Feed:
    items = [
        FeedItem(
            item.item_id,
            item.score,
            item.source,
            FeedReason(item.reason.kind, item.reason.item_id, item.reason.text),
            "own" if place < shown.own else "popular",
        )
        for place, item in enumerate(shown.items)
    ]
    slate = shown.slate
    return Feed(
        user,
        slate.slate_id,
        slate.ts,
        items,
        slate.model,
        slate.rung,
        slate.arm,
        slate.cause,
        slate.times,
    )


def out_of_range(name: str, expected: str, came: str) -> ProblemError:
    """The answer to a parameter whose value can't be."""
    return ProblemError(
        problem(
            400,
            "out_of_range",
            expected=f"{name}: {expected}",
            came=came,
            remedy=f"ask again with {name} in range",
        )
    )
