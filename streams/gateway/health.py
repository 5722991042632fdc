"""GET /healthz says that the process is alive; GET /readyz says whether it can do its work."""

from __future__ import annotations

import asyncio
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


def ready_route(
    settings: Settings,
    store: Store,
    sink: EventSink,
    metrics: GatewayMetrics,
    ranker: AskRanker | None = None,
    needs_ranker: bool = False,
) -> HTTPRouteHandler:
    """The route that asks Kafka, the store and the ranker, at the same time and with a deadline.

    needs_ranker: whether nothing is ready before the ranker is; a gateway reads feeds without it.
    """
    timeout_s, strict = settings.gateway.timeout_ms / 1_000, settings.redis.strict

    async def ask_kafka() -> Part:
        await sink.check(timeout_s)
        return Part(ready=True)

    async def ask_store() -> Part:
        condition = await store.condition()
        reported = concerns(condition)
        if (waited := waits_for(condition)) is not None:
            return Part(False, waited.text)
        if strict and (refusal := refused(reported)):
            return Part(False, refusal)
        return Part(True, "; ".join(concern.text for concern in reported))

    async def ask_ranker(ask: AskRanker) -> Part:
        trouble = await ask()
        return Part(not trouble, trouble)

    async def ask(name: str, question: Awaitable[Part]) -> Part:
        try:
            async with asyncio.timeout(timeout_s):
                part = await question
        except (BrokerUnavailableError, StoreError, TimeoutError) as error:
            part = Part(False, str(error) or f"no answer within {settings.gateway.timeout_ms} ms")
        metrics.up.labels(name).set(part.ready)
        return part

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
        asked = {"kafka": ask_kafka(), "store": ask_store()}
        if ranker is not None:
            asked["ranker"] = ask_ranker(ranker)
        answers = await asyncio.gather(*(ask(*each) for each in asked.items()))
        parts = dict(zip(asked, answers, strict=True))
        needed = [part for name, part in parts.items() if name != "ranker" or needs_ranker]
        readiness = Readiness(all(part.ready for part in needed), parts)
        if readiness.ready:
            return Response(readiness)
        return Response(readiness, status_code=503, headers=retry_after(settings.gateway.retry_after_s))

    return ready
