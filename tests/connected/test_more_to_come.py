"""Whether a partition has more to bring: asked of a real client, about logs of which the last offset is no
event, too.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from faust.types import TP

from streams.kafka.fetched import Fetched
from streams.kafka.spans import Span
from streams.kafka.topics import ensure_topics, topic_name
from streams.settings.connections import KafkaSettings
from streams.worker.aiokafka_thread import AiokafkaThread
from streams.worker.driver import Consumer
from tests.connected.events_on_kafka import eventually


class Thread:
    """As much of the consumer's thread as is looked at, over a client that runs in this one."""

    known, more_to_come = AiokafkaThread.known, AiokafkaThread.more_to_come
    _assignment = AiokafkaThread._assignment

    def __init__(self, client: Any) -> None:
        self._ensure_consumer = lambda: client
        self.fetched = Fetched()


class Reading:
    """A client that has one partition, and the question about it."""

    def __init__(self, client: Any, partition: TP) -> None:
        self.client, self.partition = client, partition
        self._thread: Any = Thread(client)

    def more_to_come(self, last: int) -> bool:
        ask: Any = Consumer.more_to_come  # of all of Faust's consumer it looks at the thread alone
        return bool(ask(self, self.partition, last))

    async def brings_nothing_more(self, last: int) -> None:
        async def so() -> bool:
            await self.client.getmany(timeout_ms=20)
            return not self.more_to_come(last)

        await eventually(so)


@pytest.fixture
async def reading(kafka_settings: KafkaSettings) -> AsyncIterator[Reading]:
    await ensure_topics(kafka_settings)
    partition = TP(topic_name(kafka_settings, "clicks"), 0)
    client = AIOKafkaConsumer(
        bootstrap_servers=kafka_settings.bootstrap,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        fetch_max_wait_ms=50,
    )
    await client.start()
    client.assign([partition])
    yield Reading(client, partition)
    await client.stop()


@pytest.fixture
async def writer(kafka_settings: KafkaSettings) -> AsyncIterator[Any]:
    client = AIOKafkaProducer(
        bootstrap_servers=kafka_settings.bootstrap, transactional_id=kafka_settings.prefix + "writer"
    )
    await client.start()
    yield client
    await client.stop()


async def test_one_that_was_not_asked_may_have_more_and_an_empty_one_has_not(reading: Reading) -> None:
    assert reading.more_to_come(-1)
    await reading.brings_nothing_more(-1)


async def test_a_partition_of_another_worker_brings_nothing_here(reading: Reading) -> None:
    reading.partition = TP(reading.partition.topic, 1)
    assert not reading.more_to_come(-1)


async def test_one_that_lags_has_more_until_its_end_is_read(reading: Reading, writer: Any) -> None:
    """The log ends with the mark of a committed transaction, which is no event."""
    async with writer.transaction():
        for _ in range(3):
            await writer.send_and_wait(reading.partition.topic, b"{}", partition=0)
    found = await reading.client.getmany(timeout_ms=20_000, max_records=1)
    assert [record.offset for records in found.values() for record in records] == [0]
    assert reading.more_to_come(0)
    await reading.brings_nothing_more(2)


async def test_what_was_fetched_and_is_on_its_way_is_to_come(reading: Reading) -> None:
    await reading.brings_nothing_more(-1)
    fetched = reading._thread.fetched
    fetched.spans, fetched._assignment = {reading.partition: Span(0, 5, 5)}, reading._thread._assignment()
    assert reading.more_to_come(3)
    assert not reading.more_to_come(4)


async def test_an_open_transaction_is_not_waited_for(reading: Reading, writer: Any) -> None:
    await writer.begin_transaction()
    await writer.send_and_wait(reading.partition.topic, b"{}", partition=0)

    async def heard() -> bool:
        await reading.brings_nothing_more(-1)
        return bool(reading.client.highwater(reading.partition) == 1)

    await eventually(heard)
    assert not reading.more_to_come(-1)
    await writer.abort_transaction()
