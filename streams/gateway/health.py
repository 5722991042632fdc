"""GET /healthz says that the process is alive; GET /readyz says whether it can do its work."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec

from model.errors import BrokerUnavailableError, StoreError
from streams.gateway.errors import retry_after
from streams.gateway.metrics import GatewayMetrics
from streams.kafka.producer import EventSink
from streams.settings.tree import Settings
from streams.stores.base import Store
from streams.stores.condition import concerns, refused, waits_for

if TYPE_CHECKING:
    from streams.gateway.ranking.elsewhere import RankersElsewhere
    from streams.serving.ranker import Ranker


FRESH_S = 5.0
"""Whoever reads the metrics learns of a check that is no older."""


class Alive(msgspec.Struct):
    """The process runs and its event loop turns."""

    status: str = "alive"


class Part(msgspec.Struct, omit_defaults=True):
    """A service that the gateway needs; `trouble` says what is wrong with it, or may go wrong."""

    ready: bool
    trouble: str = ""


class Readiness(msgspec.Struct):
    """`ready` where every part is that the process needs."""

    ready: bool
    parts: dict[str, Part]


AskRanker = Callable[[], Awaitable[str]]
"""Why nothing can be ranked on request, or may be by old counters; "" where all is well."""


def asked_ranker(ranker: Ranker | None, elsewhere: RankersElsewhere | None) -> AskRanker | None:
    """How to ask the one of this process, or those elsewhere; None for none."""
    if ranker is None:
        return None if elsewhere is None else elsewhere.trouble

    async def trouble() -> str:
        return ranker.trouble

    return trouble


@get("/healthz", summary="Is the process alive", tags=["operations"])
async def alive() -> Alive:
    """200 as long as the process answers, whatever state Kafka and the store are in."""
    return Alive()


class ReadyCheck:
    """Asks Kafka, the store and the ranker, at the same time and with a deadline. The metrics say what was
    found.

    needs_ranker: whether nothing is ready before the ranker is; a gateway reads feeds without it.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        sink: EventSink,
        metrics: GatewayMetrics,
        ranker: AskRanker | None = None,
        needs_ranker: bool = False,
    ) -> None:
        self._timeout_s, self._strict = settings.gateway.timeout_ms / 1_000, settings.redis.strict
        self._store, self._sink, self._metrics = store, sink, metrics
        self._ranker, self._needs_ranker = ranker, needs_ranker
        self._asked_s = -math.inf

    async def ask(self) -> Readiness:
        """Ask all parts now."""
        self._asked_s = time.monotonic()
        questions = {"kafka": self._ask_kafka(), "store": self._ask_store()}
        if self._ranker is not None:
            questions["ranker"] = self._ask_ranker(self._ranker)
        answers = await asyncio.gather(*(self._ask(*each) for each in questions.items()))
        parts = dict(zip(questions, answers, strict=True))
        needed = [part for name, part in parts.items() if name != "ranker" or self._needs_ranker]
        return Readiness(all(part.ready for part in needed), parts)

    async def ask_again(self) -> None:
        """The same, unless somebody has asked just now: what the metrics say must not be older."""
        if time.monotonic() > self._asked_s + FRESH_S:
            await self.ask()

    async def _ask(self, name: str, question: Awaitable[Part]) -> Part:
        try:
            async with asyncio.timeout(self._timeout_s):
                part = await question
        except (BrokerUnavailableError, StoreError, TimeoutError) as error:
            part = Part(False, str(error) or f"no answer within {round(1_000 * self._timeout_s)} ms")
        self._metrics.up.labels(name).set(part.ready)
        return part

    async def _ask_kafka(self) -> Part:
        await self._sink.check(self._timeout_s)
        return Part(ready=True)

    async def _ask_store(self) -> Part:
        condition = await self._store.condition()
        reported = concerns(condition)
        if (waited := waits_for(condition)) is not None:
            return Part(False, waited.text)
        if self._strict and (refusal := refused(reported)):
            return Part(False, refusal)
        return Part(True, "; ".join(concern.text for concern in reported))

    async def _ask_ranker(self, ask: AskRanker) -> Part:
        trouble = await ask()
        return Part(not trouble, trouble)


def ready_route(check: ReadyCheck, retry_after_s: int) -> HTTPRouteHandler:
    """The route that asks all parts."""

    @get(
        "/readyz",
        summary="Can it serve",
        description=(
            "Asks Kafka, the store and, where there is one, the ranker, within the timeout, and says which "
            "of them does not answer. A gateway is ready without its ranker: it reads feeds and takes events."
        ),
        tags=["operations"],
        responses={503: ResponseSpec(Readiness, description="A part does not answer")},
    )
    async def ready() -> Response[Readiness]:
        readiness = await check.ask()
        if readiness.ready:
            return Response(readiness)
        return Response(readiness, status_code=503, headers=retry_after(retry_after_s))

    return ready
