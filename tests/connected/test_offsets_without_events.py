"""Offsets that hold no event: markers of transactions, aborted, compacted and deleted records.

Every event is applied exactly once, none of an aborted transaction is, and nothing is waited for.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer

from streams.events import TOPIC_OF, AnyEvent, Click, encode, key_of
from streams.settings import KafkaSettings, Settings
from streams.stores.redis import RedisStore
from streams.topics import topic_name
from tests.connected.events_on_kafka import (
    assert_as_a_clean_run,
    eventually,
    now_ms,
    producer,
    send,
    traffic,
    wait_until_applied,
)
from tests.connected.worker_process import WorkerProcess, worker


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
        await assert_as_a_clean_run(settings, store)
        items = await store.interned(0)
        assert "committed" in items
        assert "aborted" not in items
