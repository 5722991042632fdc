"""A store that freezes, is killed, or comes back empty: the worker waits, heals, and counts once."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from model.errors import StoreUnavailableError
from streams.local.valkey import ValkeyServer
from streams.settings.connections import KafkaSettings, RedisSettings
from streams.settings.tree import Settings
from streams.stores.redis.store import RedisStore
from tests.conftest import patient
from tests.connected.events_on_kafka import assert_as_a_clean_run, eventually, traffic, wait_until_applied
from tests.connected.test_gateway import restarted_valkey
from tests.connected.worker_process import worker
from tests.failures.test_killed_worker import QUICK, playing
from tests.freezing import frozen


@pytest.fixture
async def valkey(tmp_path: Path) -> AsyncIterator[list[ValkeyServer]]:
    """The running server; a test that starts it anew puts the new one in its place."""
    running = [ValkeyServer.start(tmp_path / "valkey", keep=True)]
    yield running
    running[0].stop()


@pytest.fixture
def settings(kafka_settings: KafkaSettings, valkey: list[ValkeyServer], prefix: str) -> Settings:
    return Settings(kafka=kafka_settings, redis=RedisSettings(url=valkey[0].url, prefix=prefix))


async def applied_some(settings: Settings, store: RedisStore, more_than: int) -> bool:
    places = [f"{topic}-{n}" for topic in ("clicks", "reviews", "impressions") for n in range(4)]
    try:
        return sum((await store.load([], places)).progress.values()) + len(places) > more_than
    except StoreUnavailableError:
        return False


@pytest.mark.parametrize("kept", [True, False])
async def test_frozen_killed_and_back(
    settings: Settings, valkey: list[ValkeyServer], tmp_path: Path, kept: bool
) -> None:
    """`kept` False: it comes back without its data; all of it is made anew from Kafka."""
    store = RedisStore(patient(settings.redis))
    more = QUICK | {"HEADRACE_REDIS__TIMEOUT_MS": "500"}
    with worker(tmp_path, settings.kafka, settings.redis, more) as running:
        async with playing(settings, list(traffic(3_000, seed=31))):
            await eventually(lambda: applied_some(settings, store, 100))
            with frozen(valkey[0].process.pid):
                await eventually(lambda: running.refuses("store"))
                assert running.get("/healthz")[0] == 200
                await asyncio.sleep(1.0)
            await eventually(running.ready)
            os.kill(valkey[0].process.pid, signal.SIGKILL)
            assert valkey[0].process.wait(60)
            await eventually(lambda: not running.ready())
            if not kept:
                for path in sorted((tmp_path / "valkey").rglob("*")):
                    if path.is_file() and path.suffix != ".log":
                        path.unlink()
            valkey[0] = restarted_valkey(tmp_path / "valkey", valkey[0])
            await eventually(running.ready)
        await wait_until_applied(settings, store)
        assert running.process.returncode is None
        assert running.metric("headrace_worker_store_errors_total") > 0
        await assert_as_a_clean_run(settings, store)
    await store.close()
