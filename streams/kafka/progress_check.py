"""The store's progress must lie within what Kafka holds; a worker checks this before its first event."""

from __future__ import annotations

import asyncio

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from model.errors import BrokerUnavailableError, ProgressError
from streams.events.schema import EVENT_TOPICS
from streams.kafka.topics import client_id, topic_name
from streams.settings.connections import KafkaSettings
from streams.stores.base import Store


async def check_progress(settings: KafkaSettings, store: Store) -> None:
    """Raises `ProgressError` where the store's progress lies behind the end of a topic."""
    places = [f"{topic}-{number}" for topic in EVENT_TOPICS for number in range(settings.partitions)]
    # In this order: another worker may apply what comes in between.
    loaded = await store.load([], sorted(places))
    ends = await _ends(settings)
    for place, offset in loaded.progress.items():
        if offset >= ends[place]:
            raise beyond_the_end(place, ends[place], offset)


def beyond_the_end(place: str, end: int, progress: int) -> ProgressError:
    """The error for such a place, with what to do."""
    return ProgressError(
        f"{place} ends at offset {end}, but the store has applied it up to {progress}: someone made the topic"
        " anew and kept the store. The worker would take new events for old ones. Use another redis.prefix"
        " (states begin anew and are read from Kafka), or restore the topic"
    )


async def _ends(settings: KafkaSettings) -> dict[str, int]:
    # Without isolation: progress may lie behind the start of an open transaction.
    consumer = AIOKafkaConsumer(
        client_id=client_id(settings, "progress-check"),
        bootstrap_servers=settings.bootstrap,
        request_timeout_ms=settings.request_timeout_ms,
    )
    try:
        async with asyncio.timeout(settings.request_timeout_ms / 1_000):
            await consumer.start()
            places = {
                TopicPartition(topic_name(settings, topic), number): f"{topic}-{number}"
                for topic in EVENT_TOPICS
                for number in range(settings.partitions)
            }
            ends = await consumer.end_offsets(list(places))
    except (KafkaError, OSError, TimeoutError) as error:
        raise BrokerUnavailableError(
            f"Kafka at {settings.bootstrap} did not say where its topics end"
            f" ({type(error).__name__}: {error}); check that it runs, then try again"
        ) from error
    finally:
        await consumer.stop()
    return {name: int(ends[place]) for place, name in places.items()}
