"""The topics: every process creates and checks them before it reads.

A Faust worker leaves out a topic that does not exist when it starts, and never reads it later. Clicks,
reviews and the rest are co-partitioned: one worker gets all events of a user. This needs the same number of
partitions in all of them.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from model.errors import BrokerUnavailableError, SettingsError
from streams.events.schema import DEAD_LETTERS, EVENT_TOPICS
from streams.settings.connections import KafkaSettings

ACCEPTED_HEADER = "headrace-accepted"
"""The Kafka header with the time at which the gateway accepted an event, in ms since the epoch."""

_RETRY_S = 0.05
_DEAD_LETTER_MAX_BYTES = 4 * 1024 * 1024  # the largest record that an event topic takes, and its headers


def topic_name(settings: KafkaSettings, topic: str) -> str:
    """The name of a topic on the cluster.

    >>> topic_name(KafkaSettings(prefix="shop."), "clicks")
    'shop.clicks'
    """
    return settings.prefix + topic


def client_id(settings: KafkaSettings, part: str) -> str:
    """What a part of a deployment calls itself in the broker's logs, quotas and metrics.

    >>> client_id(KafkaSettings(prefix="shop."), "gateway")
    'shop.gateway'
    """
    return settings.prefix + part


def partition_counts(settings: KafkaSettings) -> dict[str, int]:
    """The full name of every topic, and how many partitions it must have."""
    counts = {topic_name(settings, topic): settings.partitions for topic in EVENT_TOPICS}
    return counts | {topic_name(settings, DEAD_LETTERS): 1}


async def ensure_topics(settings: KafkaSettings) -> None:
    """Create the missing topics, and wait until all topics take writes.

    Any number of processes may do this at once. Raises `SettingsError` where a topic has another number of
    partitions than the settings say, or the cluster refuses to make it; `BrokerUnavailableError` where Kafka
    does not answer, or is not ready, within `request_timeout_ms`.
    """
    expected = partition_counts(settings)
    try:
        async with asyncio.timeout(settings.request_timeout_ms / 1000), _admin(settings) as admin:
            while missing := _missing(await admin.describe_topics(list(expected)), expected):
                await _create(admin, settings, missing)
                await asyncio.sleep(_RETRY_S)
    except (KafkaError, OSError, TimeoutError) as error:
        raise BrokerUnavailableError(
            f"Kafka at {settings.bootstrap} had no topics ready within {settings.request_timeout_ms} ms"
            f" ({type(error).__name__}: {error}); check that it runs, then try again"
        ) from error


@contextlib.asynccontextmanager
async def _admin(settings: KafkaSettings) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(
        client_id=client_id(settings, "topics"),
        bootstrap_servers=settings.bootstrap,
        request_timeout_ms=settings.request_timeout_ms,
    )
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()


def _missing(topics: list[dict[str, Any]], expected: Mapping[str, int]) -> dict[str, int]:
    """The topics that don't exist yet, or have no leader; `SettingsError` where one has other partitions."""
    ready = set()
    for topic in topics:
        name, partitions = topic["topic"], topic["partitions"]
        if topic["error_code"] or any(partition["error_code"] for partition in partitions):
            continue
        if len(partitions) != expected[name]:
            raise SettingsError(
                f"topic {name} has {len(partitions)} partitions, expected {expected[name]}."
                " Set kafka.partitions to what the topics have, or use another kafka.prefix: with another"
                " number of partitions, a user's new events would go to another partition than the old ones"
            )
        ready.add(name)
    return {name: count for name, count in expected.items() if name not in ready}


async def _create(admin: AIOKafkaAdminClient, settings: KafkaSettings, topics: Mapping[str, int]) -> None:
    """Create topics. Another process may do the same: the answer "exists already" is a success."""
    # A write counts (acks=all) once all replicas but one have it, so one broker may be down.
    safe = {"min.insync.replicas": str(max(1, settings.replication - 1))}
    large = {"max.message.bytes": str(_DEAD_LETTER_MAX_BYTES)}
    dead_letters = topic_name(settings, DEAD_LETTERS)
    response = await admin.create_topics(
        [
            NewTopic(
                name,
                count,
                settings.replication,
                topic_configs=safe | (large if name == dead_letters else {}),
            )
            for name, count in topics.items()
        ]
    )
    for topic in response.to_object()["topic_errors"]:
        refusal = for_code(topic["error_code"])
        if refusal.retriable:
            raise refusal(topic["error_message"])
        if topic["error_code"] and refusal is not TopicAlreadyExistsError:
            raise SettingsError(
                f"Kafka at {settings.bootstrap} refused to create {topic['topic']}: {topic['error_message']};"
                " change the kafka settings (prefix, partitions, replication) to what the cluster allows"
            )
