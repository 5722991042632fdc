"""Store and broker, as the gateway finds them."""

from __future__ import annotations

import asyncio

from model.errors import BrokerUnavailableError, StoreError
from streams.clock import Clock
from streams.gateway.console.moments import Services
from streams.kafka.producer import EventSink
from streams.stores.base import Store
from streams.stores.condition import concerns, waits_for

ASKED_AT_MOST_S = 2.0


async def ask_services(store: Store, sink: EventSink, clock: Clock, before: Services) -> Services:
    """Ask both, at the same time. What one that is away said before still stands."""
    services = Services(load=before.load, active=before.active, asked_ms=clock.now_ms())
    await asyncio.gather(_ask_store(store, services), _ask_broker(sink, services))
    return services


async def _ask_store(store: Store, services: Services) -> None:
    try:
        async with asyncio.timeout(ASKED_AT_MOST_S):
            condition = await store.condition()
            services.load = await store.load_of_server()
            services.active = await store.active_model()
    except (StoreError, TimeoutError) as error:
        services.store = str(error) or f"no answer within {ASKED_AT_MOST_S:g} s"
        return
    waited = waits_for(condition)
    told = [*concerns(condition), *([waited] if waited is not None else [])]
    services.concerns = told


async def _ask_broker(sink: EventSink, services: Services) -> None:
    try:
        async with asyncio.timeout(ASKED_AT_MOST_S):
            await sink.check(ASKED_AT_MOST_S)
    except (BrokerUnavailableError, TimeoutError) as error:
        services.broker = str(error) or f"no answer within {ASKED_AT_MOST_S:g} s"
