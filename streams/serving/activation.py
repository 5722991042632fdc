"""The order to serve another model: sent through Kafka, and confirmed once a worker has told the store."""

from __future__ import annotations

import asyncio
import time
import uuid

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from model.errors import BrokerUnavailableError
from streams.events.schema import Control, encode, key_of
from streams.kafka.topics import client_id, ensure_topics, topic_name
from streams.settings.tree import Settings
from streams.stores.redis.store import RedisStore

LOOK_EVERY_S = 0.1


async def activate(settings: Settings, model: str, wait_s: float) -> bool:
    """Order it; False where no worker has confirmed it within `wait_s`.

    Raises `BrokerUnavailableError` where the order was not acknowledged.
    """
    await ensure_topics(settings.kafka)
    await _order(settings, model)
    store = RedisStore(settings.redis)
    try:
        until = time.monotonic() + wait_s
        while await store.active_model() != model:
            if time.monotonic() > until:
                return False
            await asyncio.sleep(LOOK_EVERY_S)
    finally:
        await store.close()
    return True


async def active(settings: Settings) -> str:
    """The model that the store names; "" for none."""
    store = RedisStore(settings.redis)
    try:
        return await store.active_model() or ""
    finally:
        await store.close()


async def _order(settings: Settings, model: str) -> None:
    event = Control(
        event_id=uuid.uuid4().hex, ts=time.time_ns() // 1_000_000, command="activate_model", model=model
    )
    producer = AIOKafkaProducer(
        client_id=client_id(settings.kafka, "activation"),
        bootstrap_servers=settings.kafka.bootstrap,
        acks="all",
        request_timeout_ms=settings.kafka.request_timeout_ms,
    )
    try:
        await producer.start()
        await producer.send_and_wait(topic_name(settings.kafka, "control"), encode(event), key_of(event))
    except (KafkaError, OSError) as error:
        raise BrokerUnavailableError(
            f"the order was not acknowledged by {settings.kafka.bootstrap} ({error}); try again"
        ) from error
    finally:
        await producer.stop()
