"""GET /healthz says that the process is alive; GET /readyz says whether it can do its work."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

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


class Alive(msgspec.Struct):
    """The process runs and its event loop turns."""

    status: str = "alive"


class Part(msgspec.Struct, omit_defaults=True):
    """A service that the gateway needs; `trouble` says what is wrong with it, or may go wrong."""

    ready: bool
    trouble: str = ""


class Readiness(msgspec.Struct):
    """`ready` where every part is."""

    ready: bool
    parts: dict[str, Part]


@get("/healthz", summary="Is the process alive", tags=["operations"])
async def alive() -> Alive:
    """200 as long as the process answers, whatever state Kafka and the store are in."""
    return Alive()


def ready_route(
    settings: Settings, store: Store, sink: EventSink, metrics: GatewayMetrics
) -> HTTPRouteHandler:
    """The route that asks Kafka and the store, at the same time and with a deadline."""
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
        description="Asks Kafka and the store, within the timeout, and says which of them does not answer.",
        tags=["operations"],
        responses={503: ResponseSpec(Readiness, description="A part does not answer")},
    )
    async def ready() -> Response[Readiness]:
        kafka, redis = await asyncio.gather(ask("kafka", ask_kafka()), ask("store", ask_store()))
        readiness = Readiness(kafka.ready and redis.ready, {"kafka": kafka, "store": redis})
        if readiness.ready:
            return Response(readiness)
        return Response(readiness, status_code=503, headers=retry_after(settings.gateway.retry_after_s))

    return ready
