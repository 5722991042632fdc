"""Workers that are killed, frozen and cut off from their store in mid-stream change nothing twice and lose
nothing.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from streams.settings import KafkaSettings, RedisSettings, Settings
from streams.stores.redis import RedisStore
from tests.connected.events_on_kafka import (
    assert_as_a_clean_run,
    eventually,
    producer,
    send,
    traffic,
    wait_until_applied,
)
from tests.connected.worker_process import WorkerProcess, worker

QUICK = {
    "HEADRACE_KAFKA__SESSION_TIMEOUT_MS": "2000",
    "HEADRACE_KAFKA__HEARTBEAT_MS": "300",
    "HEADRACE_WORKER__SNAPSHOT_EVERY_S": "0.7",
    "HEADRACE_WORKER__BATCH_MAX": "16",
}


@pytest.fixture
def settings(kafka_settings: KafkaSettings, redis_settings: RedisSettings) -> Settings:
    return Settings(kafka=kafka_settings, redis=redis_settings)


@pytest.fixture
async def store(settings: Settings) -> AsyncIterator[RedisStore]:
    store = RedisStore(settings.redis)
    yield store
    await store.close()


async def play(settings: Settings, count: int, seed: int, pause_s: float) -> None:
    """Write traffic in small portions."""
    events = list(traffic(count, seed))
    async with producer(settings.kafka) as client:
        for at in range(0, count, 20):
            await send(client, settings.kafka, events[at : at + 20])
            await asyncio.sleep(pause_s)


async def applied(settings: Settings, store: RedisStore) -> int:
    """How many events the store's progress covers."""
    places = [
        f"{topic}-{n}"
        for topic in ("clicks", "reviews", "impressions")
        for n in range(settings.kafka.partitions)
    ]
    return sum((await store.load([], places)).progress.values()) + len(places)


async def test_killed_again_and_again(settings: Settings, store: RedisStore, tmp_path: Path) -> None:
    """Six SIGKILLs at random moments under load; then all is as a single clean run leaves it."""
    draw = random.Random(5)
    playing = asyncio.create_task(play(settings, 6_000, seed=11, pause_s=0.05))
    kills = 0
    while kills < 6:
        with worker(tmp_path, settings.kafka, settings.redis, QUICK, f"victim-{kills}", wait=False) as victim:
            before = await applied(settings, store)

            async def moves(before: int = before, victim: WorkerProcess = victim) -> bool:
                assert victim.process.returncode is None, victim.process.tail(60)
                return await applied(settings, store) > before

            await eventually(moves, 90.0, "for the worker to go on")
            await asyncio.sleep(draw.random() * 0.6)
            os.kill(victim.process.pid, signal.SIGKILL)
            assert victim.process.wait(10)
            assert victim.process.returncode == -signal.SIGKILL
            kills += 1
    with worker(tmp_path, settings.kafka, settings.redis, QUICK, "survivor"):
        await playing
        await wait_until_applied(settings, store)
    clean = await assert_as_a_clean_run(settings, store)
    assert len(clean.records) == 6_000
    assert clean.recommender.counters.interactions > 4_000


async def test_a_zombie_changes_nothing_twice(settings: Settings, store: RedisStore, tmp_path: Path) -> None:
    """Frozen until another worker has its partitions, then awake again in the middle of its batch."""
    with worker(tmp_path, settings.kafka, settings.redis, QUICK, "zombie") as zombie:
        playing = asyncio.create_task(play(settings, 4_000, seed=12, pause_s=0.05))

        async def moves() -> bool:
            return await applied(settings, store) > 200

        await eventually(moves)
        os.kill(zombie.process.pid, signal.SIGSTOP)
        try:
            frozen_at = await applied(settings, store)
            with worker(tmp_path, settings.kafka, settings.redis, QUICK, "heir", wait=False) as heir:

                async def taken_over() -> bool:
                    return await applied(settings, store) > frozen_at + 200

                await eventually(taken_over, 90.0, "for the other worker to take over")
                os.kill(zombie.process.pid, signal.SIGCONT)
                await playing
                await wait_until_applied(settings, store)
                await eventually(heir.ready)
                await eventually(zombie.ready)
        finally:
            os.kill(zombie.process.pid, signal.SIGCONT)
    await assert_as_a_clean_run(settings, store)
