"""The producer replaces a connection that it can't trust any more, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from model.errors import BrokerUnavailableError, SettingsError
from streams.events.schema import Click
from streams.kafka import producer
from streams.kafka.producer import Acknowledgement, KafkaProducer
from streams.kafka.topics import ensure_topics
from streams.local.kafka import KafkaServer
from streams.settings.connections import KafkaSettings
from tests.freezing import freeze, thaw

EVENT = Click(event_id="e", ts=1, user_id="u", item_id="i")


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Distrust after half a second instead of ten."""
    monkeypatch.setattr(producer, "DISTRUST_AFTER_S", 0.5)


@pytest.fixture
async def connected(kafka_settings: KafkaSettings) -> AsyncIterator[KafkaProducer]:
    sink = KafkaProducer(kafka_settings)
    await sink.start()
    await until_delivered(sink)
    yield sink
    await sink.stop()


async def until_delivered(sink: KafkaProducer, deadline_s: float = 30) -> None:
    async with asyncio.timeout(deadline_s):
        while not (await sink.deliver([EVENT], 1, timeout_s=1)).confirmed[0]:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_a_lost_topic_is_created_anew(connected: KafkaProducer, kafka_settings: KafkaSettings) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_settings.bootstrap)
    await admin.start()
    try:
        await admin.delete_topics([f"{kafka_settings.prefix}clicks"])
    finally:
        await admin.close()
    await until_delivered(connected)
    await connected.check(timeout_s=5)


async def test_a_frozen_broker_is_left_and_found_again(
    tmp_path: Path, prefix: str, caplog: pytest.LogCaptureFixture
) -> None:
    kafka = KafkaServer.start(tmp_path)
    sink = KafkaProducer(KafkaSettings(bootstrap=kafka.bootstrap, prefix=prefix, request_timeout_ms=1_000))
    try:
        await sink.start()
        await until_delivered(sink)
        freeze(kafka.process.pid)
        with caplog.at_level(logging.INFO, logger="streams.kafka.producer"):
            try:
                async with asyncio.timeout(30):
                    while not any("anew" in message for message in caplog.messages):
                        began = time.monotonic()
                        assert await sink.deliver([EVENT], 1, timeout_s=0.3) != Acknowledgement([True])
                        assert time.monotonic() - began < 5
                        await asyncio.sleep(0.05)
                with pytest.raises(BrokerUnavailableError):
                    await sink.check(timeout_s=0.3)
            finally:
                thaw(kafka.process.pid)
            await until_delivered(sink)
        await sink.check(timeout_s=5)
        await sink.stop()
        assert not [record for record in caplog.records if record.name == "asyncio"]
        assert len(asyncio.all_tasks()) == 1, "nothing runs on after stop"
    finally:
        kafka.stop()


async def test_a_wrong_partition_count_is_never_written_to(kafka_settings: KafkaSettings) -> None:
    await ensure_topics(kafka_settings)
    other = KafkaSettings(
        bootstrap=kafka_settings.bootstrap,
        prefix=kafka_settings.prefix,
        partitions=kafka_settings.partitions + 1,
    )
    with pytest.raises(SettingsError):
        await ensure_topics(other)
    sink = KafkaProducer(other)
    await sink.start()
    try:
        async with asyncio.timeout(20):
            while "partitions" not in (await sink.deliver([EVENT], 1, timeout_s=1)).trouble:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        with pytest.raises(BrokerUnavailableError, match="partitions"):
            await sink.check(timeout_s=1)
    finally:
        await sink.stop()
