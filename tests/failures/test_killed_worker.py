"""Workers that are killed, frozen and cut off from their store in mid-stream change nothing twice and lose
nothing.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from streams.events.schema import AnyEvent
from streams.settings.tree import Settings
from streams.stores.redis.store import RedisStore
from tests.connected.events_on_kafka import (
    assert_as_a_clean_run,
    eventually,
    producer,
    send,
    traffic,
    wait_until_applied,
)
from tests.connected.worker_process import WorkerProcess, worker
from tests.freezing import freeze, thaw

QUICK = {
    "HEADRACE_KAFKA__SESSION_TIMEOUT_MS": "2000",
    "HEADRACE_KAFKA__HEARTBEAT_MS": "300",
    "HEADRACE_WORKER__SNAPSHOT_EVERY_S": "0.7",
    "HEADRACE_WORKER__BATCH_MAX": "16",
    # How choosy a user is depends on how impressions and clicks, of two topics, come in between each other.
    "HEADRACE_COUNTERS__CHOOSY": "false",
}
KILLS, EVENTS_A_KILL = 6, 1_000


@asynccontextmanager
async def playing(settings: Settings, events: Sequence[AnyEvent]) -> AsyncIterator[None]:
    """Writes the events in small portions, all of them before the block ends."""

    async def play() -> None:
        async with producer(settings.kafka) as client:
            for at in range(0, len(events), 20):
                await send(client, settings.kafka, events[at : at + 20])
                await asyncio.sleep(0.05)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(play())
        yield


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
    events = list(traffic(KILLS * EVENTS_A_KILL, seed=11))
    for kill in range(KILLS):
        # Each victim has events of its own: a slow machine must not run out of them before the last kill.
        part = events[kill * EVENTS_A_KILL : (kill + 1) * EVENTS_A_KILL]
        before = await applied(settings, store)
        async with playing(settings, part):
            with worker(
                tmp_path, settings.kafka, settings.redis, QUICK, f"victim-{kill}", wait=False
            ) as victim:
                await eventually(partial(moves_on, settings, store, victim, before), 120)
                await asyncio.sleep(draw.random() * 0.6)
                os.kill(victim.process.pid, signal.SIGKILL)
                assert victim.process.wait(60)
                assert victim.process.returncode == -signal.SIGKILL
    with worker(tmp_path, settings.kafka, settings.redis, QUICK, "survivor"):
        await wait_until_applied(settings, store)
    clean = await assert_as_a_clean_run(settings, store)
    assert len(clean.records) == KILLS * EVENTS_A_KILL
    assert clean.recommender.counters.interactions > 4_000


async def moves_on(settings: Settings, store: RedisStore, running: WorkerProcess, before: int) -> bool:
    assert running.process.returncode is None, running.process.tail(60)
    return await applied(settings, store) > before


async def test_a_zombie_changes_nothing_twice(settings: Settings, store: RedisStore, tmp_path: Path) -> None:
    """Frozen until another worker has its partitions, then awake again in the middle of its batch."""
    with worker(tmp_path, settings.kafka, settings.redis, QUICK, "zombie") as zombie:
        async with playing(settings, list(traffic(4_000, seed=12))):
            await eventually(partial(moves_on, settings, store, zombie, 200))
            freeze(zombie.process.pid)
            try:
                before = await applied(settings, store)
                with worker(tmp_path, settings.kafka, settings.redis, QUICK, "heir", wait=False) as heir:
                    await eventually(partial(moves_on, settings, store, heir, before + 200), 120)
                    thaw(zombie.process.pid)
                    await eventually(heir.ready)
                    await eventually(zombie.ready)
            finally:
                thaw(zombie.process.pid)
        await wait_until_applied(settings, store)
    await assert_as_a_clean_run(settings, store)
