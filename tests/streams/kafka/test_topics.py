"""Topics on a real Kafka: created once, checked, and never waited for without end."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import msgspec
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from model.errors import BrokerUnavailableError, SettingsError
from streams.kafka.topics import ensure_topics, partition_counts
from streams.settings.connections import KafkaSettings


async def on_cluster(settings: KafkaSettings) -> dict[str, int]:
    """Topics under the settings' prefix and their partitions, read apart from the code under test."""
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap)
    await admin.start()
    try:
        topics = await admin.describe_topics()
    finally:
        await admin.close()
    return {t["topic"]: len(t["partitions"]) for t in topics if t["topic"].startswith(settings.prefix)}


def ready(topic: dict[str, Any]) -> bool:
    return not topic["error_code"] and not any(part["error_code"] for part in topic["partitions"])


async def create(settings: KafkaSettings, topic: str, partitions: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap)
    await admin.start()
    name = settings.prefix + topic
    try:
        await admin.create_topics([NewTopic(name, partitions, 1)])
        async with asyncio.timeout(30):
            while not ready((await admin.describe_topics([name]))[0]):  # noqa: ASYNC110 - another process tells
                await asyncio.sleep(0.05)
    finally:
        await admin.close()


async def test_all_topics_are_created_with_the_prefix(kafka_settings: KafkaSettings) -> None:
    await ensure_topics(kafka_settings)
    found = await on_cluster(kafka_settings)
    names = ("clicks", "reviews", "impressions", "users", "items", "control")
    assert found == {kafka_settings.prefix + name: 4 for name in names} | {
        kafka_settings.prefix + "dead-letters": 1
    }


async def test_many_processes_may_do_it_at_once(kafka_settings: KafkaSettings) -> None:
    await asyncio.gather(*(ensure_topics(kafka_settings) for _ in range(8)))
    assert await on_cluster(kafka_settings) == partition_counts(kafka_settings)


async def test_those_that_are_missing_are_added(kafka_settings: KafkaSettings) -> None:
    await create(kafka_settings, "items", 4)
    await ensure_topics(kafka_settings)
    assert await on_cluster(kafka_settings) == partition_counts(kafka_settings)


async def test_another_partition_count_is_refused_and_nothing_created(
    kafka_settings: KafkaSettings,
) -> None:
    await create(kafka_settings, "reviews", 3)
    with pytest.raises(SettingsError, match=r"reviews has 3 partitions, expected 4\. Set kafka\.partitions"):
        await ensure_topics(kafka_settings)
    assert await on_cluster(kafka_settings) == {kafka_settings.prefix + "reviews": 3}


async def test_what_the_cluster_refuses_is_a_settings_error(kafka_settings: KafkaSettings) -> None:
    with pytest.raises(SettingsError, match=r"refused to create .*replication factor"):
        await ensure_topics(msgspec.structs.replace(kafka_settings, replication=3))


async def test_no_broker_is_said_at_once() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound, not listening: connections are refused
        settings = KafkaSettings(bootstrap=f"127.0.0.1:{unused.getsockname()[1]}")
        with pytest.raises(BrokerUnavailableError, match="check that it runs"):
            await ensure_topics(settings)


async def test_a_broker_that_never_answers_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = KafkaSettings(bootstrap=f"127.0.0.1:{silent.getsockname()[1]}", request_timeout_ms=300)
        async with asyncio.timeout(60):
            with pytest.raises(BrokerUnavailableError, match="within 300 ms"):
                await ensure_topics(settings)
