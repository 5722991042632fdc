"""Offsets that hold no event: markers of transactions, aborted, compacted and deleted records.

Every event is applied exactly once, none of an aborted transaction is, and nothing is waited for.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from streams.events.schema import TOPIC_OF, AnyEvent, Click, encode, key_of
from streams.kafka.topics import ensure_topics, topic_name
from streams.settings.connections import KafkaSettings
from streams.settings.tree import Settings
from streams.stores.redis.store import RedisStore
from tests.connected.events_on_kafka import (
    assert_as_a_clean_run,
    eventually,
    now_ms,
    producer,
    read_events,
    send,
    traffic,
    wait_until_applied,
)
from tests.connected.worker_process import WorkerProcess, worker
from tests.freezing import frozen


@asynccontextmanager
async def transactional(kafka: KafkaSettings) -> AsyncIterator[Any]:
    client = AIOKafkaProducer(
        bootstrap_servers=kafka.bootstrap, transactional_id=f"{kafka.prefix}transactions"
    )
    await client.start()
    try:
        yield client
    finally:
        await client.stop()


async def transact(client: Any, kafka: KafkaSettings, events: Iterable[AnyEvent], commit: bool) -> None:
    """All of `events` in one transaction; aborted unless `commit`."""
    await client.begin_transaction()
    for event in events:
        await client.send_and_wait(topic_name(kafka, TOPIC_OF[type(event)]), encode(event), key_of(event))
    await (client.commit_transaction() if commit else client.abort_transaction())


def clicks(name: str, count: int, item: str) -> list[AnyEvent]:
    """Clicks of the users of `traffic`, so that they lie between its events."""
    return [
        Click(event_id=f"{name}-{n}", ts=now_ms(), user_id=f"click-{n * 7 % 60}", item_id=item)
        for n in range(count)
    ]


async def all_is_committed(kafka: KafkaSettings) -> bool:
    """Kafka's own tools show no lag either, though markers lie at the ends of partitions."""
    topic = topic_name(kafka, "clicks")
    places = [TopicPartition(topic, number) for number in range(kafka.partitions)]
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka.bootstrap, group_id=topic_name(kafka, "workers"), enable_auto_commit=False
    )
    await consumer.start()
    try:
        ends = await consumer.end_offsets(places)
        return all([await consumer.committed(place) == ends[place] for place in places])
    finally:
        await consumer.stop()


def nothing_waits(running: WorkerProcess) -> bool:
    return running.metric("headrace_worker_lag_events") == 0 and running.ready()


async def test_transactions_beside_traffic(settings: Settings, store: RedisStore, tmp_path: Path) -> None:
    """100 events a second; transactions on the same partitions, committed and aborted in turn; a second
    worker comes and goes meanwhile.
    """
    kafka, done = settings.kafka, asyncio.Event()

    async def transactions() -> None:
        async with transactional(kafka) as client:
            turn = 0
            while not done.is_set():
                turn, commit = turn + 1, turn % 2 == 0
                item = "committed" if commit else "aborted"
                await transact(client, kafka, clicks(f"{turn}", 5, item), commit)
                await asyncio.sleep(0.05)
            await transact(client, kafka, clicks("last", 40, "aborted"), commit=False)

    quick = {"HEADRACE_KAFKA__SESSION_TIMEOUT_MS": "3000"}
    with worker(tmp_path, kafka, settings.redis, quick, "one") as one:
        transacting = asyncio.create_task(transactions())
        async with producer(kafka) as client:
            events = list(traffic(1_200, seed=11))

            async def plain(part: list[AnyEvent]) -> None:
                for at in range(0, len(part), 10):
                    await send(client, kafka, part[at : at + 10])
                    await asyncio.sleep(0.1)

            await plain(events[:400])
            await wait_until_applied(settings, store)
            assert one.metric("headrace_worker_gaps_total") == 0, (
                "nothing was missed, so nothing is read again"
            )
            sending = asyncio.create_task(plain(events[400:]))
            await asyncio.sleep(1)
            with worker(tmp_path, kafka, settings.redis, quick, "two"):
                await asyncio.sleep(2)
            await sending
        done.set()
        await transacting
        await wait_until_applied(settings, store)
        await eventually(lambda: nothing_waits(one), what="for the lag to be none")
        await eventually(partial(all_is_committed, kafka), what="for markers at the end to be committed")
        await assert_as_a_clean_run(settings, store)
        items = await store.interned(0)
        assert "committed" in items
        assert "aborted" not in items


async def alter(admin: AIOKafkaAdminClient, kind: ConfigResourceType, name: str, **values: str) -> None:
    configs = {key.replace("_", "."): value for key, value in values.items()}
    await admin.alter_configs([ConfigResource(kind, name, configs)])


@asynccontextmanager
async def administered(kafka: KafkaSettings) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


async def compacted(kafka: KafkaSettings, events: list[AnyEvent]) -> None:
    """Write clicks, and have the broker keep the last one of each user, but for the newest segments."""
    clicks, before = topic_name(kafka, "clicks"), len(await read_events(kafka))
    async with administered(kafka) as admin, producer(kafka) as client:
        await alter(admin, ConfigResourceType.BROKER, "1", log_cleaner_backoff_ms="200")
        await alter(
            admin,
            ConfigResourceType.TOPIC,
            clicks,
            cleanup_policy="compact",
            segment_ms="100",
            min_cleanable_dirty_ratio="0.01",
        )
        for at in range(0, len(events), 20):
            await send(client, kafka, events[at : at + 20])
            await asyncio.sleep(0.15)  # a segment ends when something comes after its time

        async def holes() -> bool:
            return len(await read_events(kafka)) < before + len(events) // 2

        await eventually(holes, what="for the log's cleaner")
        await alter(admin, ConfigResourceType.TOPIC, clicks, cleanup_policy="delete", segment_ms="600000")
        await asyncio.sleep(1)  # a cleaning that is under way ends


async def delete_up_to_last(kafka: KafkaSettings, keep: int) -> None:
    """Of each partition of clicks, delete all but the last `keep` offsets."""
    ends: dict[int, int] = {}
    for record in await read_events(kafka):
        if record.topic == "clicks":
            ends[record.partition] = record.offset + 1
    async with administered(kafka) as admin:
        await admin.delete_records(
            {
                TopicPartition(topic_name(kafka, "clicks"), number): RecordsToDelete(max(0, end - keep))
                for number, end in ends.items()
            }
        )


async def test_compacted_and_deleted_records(settings: Settings, store: RedisStore, tmp_path: Path) -> None:
    """Holes where a worker begins, behind what it has applied, and where it stands just now."""
    kafka = settings.kafka
    await ensure_topics(kafka)
    await compacted(kafka, clicks("a", 200, "first"))
    with worker(tmp_path, kafka, settings.redis) as running:
        await wait_until_applied(settings, store)
        await eventually(lambda: nothing_waits(running))
        assert running.metric("headrace_worker_gaps_total") == 0
        await assert_as_a_clean_run(settings, store)
    await compacted(kafka, clicks("b", 200, "second"))
    with worker(tmp_path, kafka, settings.redis) as running:
        await wait_until_applied(settings, store)
        await eventually(lambda: nothing_waits(running))
    async with producer(kafka) as client:
        await send(client, kafka, clicks("c", 120, "third"))
        await delete_up_to_last(kafka, 3)
        with worker(tmp_path, kafka, settings.redis) as running:
            await wait_until_applied(settings, store)
            await eventually(lambda: nothing_waits(running))
            assert running.metric("headrace_worker_gaps_total", result="accept") > 0
            assert "are gone from Kafka" in running.log()
            with frozen(running.process.pid):
                await send(client, kafka, clicks("d", 120, "fourth"))
                await delete_up_to_last(kafka, 3)
            await send(client, kafka, clicks("e", 60, "fifth"))
            await wait_until_applied(settings, store)
            await eventually(lambda: nothing_waits(running))
            assert b"headrace_worker_ready 1.0" in running.get("/metrics")[1]


async def test_an_open_transaction_holds_back_what_lies_behind_it(
    settings: Settings, store: RedisStore, tmp_path: Path
) -> None:
    """Nothing is read past it, nothing is stalled, and a metric says so; then all of it is applied."""
    kafka = settings.kafka
    patience = {"HEADRACE_WORKER__STALLED_AFTER_S": "1"}
    with worker(tmp_path, kafka, settings.redis, patience) as running:
        async with transactional(kafka) as bound, producer(kafka) as client:
            await bound.begin_transaction()
            for event in clicks("open", 60, "open"):
                await bound.send_and_wait(topic_name(kafka, "clicks"), encode(event), key_of(event))
            await send(client, kafka, clicks("behind", 60, "behind"))
            await eventually(lambda: running.metric("headrace_worker_held_back_events") >= 120)
            await asyncio.sleep(3)
            assert nothing_waits(running)
            assert running.metric("headrace_worker_events_total", result="applied") == 0
            await bound.commit_transaction()
        await wait_until_applied(settings, store)
        await eventually(lambda: running.metric("headrace_worker_events_total", result="applied") == 120)
        await eventually(lambda: nothing_waits(running))
        await eventually(lambda: running.metric("headrace_worker_held_back_events") == 0)
