"""The broker and the store are restarted under load, with the data that they had. A client sends each event
until the gateway has accepted it; then every event counts once, and health told the truth all the time.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from redis.asyncio import Redis

from streams.events.schema import AnyEvent, Click, Review, encode
from streams.local import valkey as local_valkey
from streams.local.kafka import KafkaServer
from streams.local.valkey import ValkeyServer
from streams.settings.connections import KafkaSettings, RedisSettings
from streams.settings.tree import Settings
from streams.state import user_state_codec
from streams.stores.redis.store import RedisStore
from tests.conftest import patient
from tests.connected.events_on_kafka import (
    assert_as_a_clean_run,
    eventually,
    read_events,
    traffic,
    wait_until_applied,
)
from tests.connected.gateway_process import IMPATIENT_MS, Gateway, gateway
from tests.connected.test_gateway import restarted_kafka, restarted_valkey
from tests.connected.worker_process import WorkerProcess, worker
from tests.contracts.test_redis_condition import tell
from tests.failures.test_killed_worker import QUICK

EVENTS, AT_ONCE = 3_000, 10
KEYS = 3_000  # beside those of the deployment: they take a minute to load


def clicks_and_reviews(seed: int) -> list[AnyEvent]:
    """Each of them once."""
    events: dict[str, AnyEvent] = {}
    for event in traffic(2 * EVENTS, seed):
        if isinstance(event, Click | Review):
            events[event.event_id] = event
    return list(events.values())[:EVENTS]


class Client:
    """Sends events in small portions, each again and again until it is accepted."""

    def __init__(self, to: Gateway, events: Sequence[AnyEvent]) -> None:
        self._to, self._events = to, events
        self.sent = self.refused = 0

    async def play(self) -> None:
        async with httpx.AsyncClient(base_url=self._to.client.base_url, timeout=30) as client:
            for at in range(0, len(self._events), AT_ONCE):
                left = list(self._events[at : at + AT_ONCE])
                while left:
                    body = b"[" + b",".join(map(encode, left)) + b"]"
                    answer = await client.post("/v1/events", content=body)
                    results = answer.json().get("results", [])
                    if answer.status_code == 202:
                        taken = [result["status"] == "accepted" for result in results]
                        left = [event for event, done in zip(left, taken, strict=True) if not done]
                    else:
                        self.refused += 1
                        await asyncio.sleep(0.1)
                self.sent += AT_ONCE
                await asyncio.sleep(0.02)


@asynccontextmanager
async def load(to: Gateway, events: Sequence[AnyEvent]) -> AsyncIterator[Client]:
    """All of the events are accepted before the block ends."""
    client = Client(to, events)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(client.play())
        yield client


async def assert_each_counts_once(settings: Settings, store: RedisStore, events: Sequence[AnyEvent]) -> None:
    await wait_until_applied(settings, store)
    written = Counter(record.event.event_id for record in await read_events(settings.kafka))
    assert written.keys() == {event.event_id for event in events}
    clean = await assert_as_a_clean_run(settings, store)
    assert clean.recommender.counters.interactions == len(events)
    expected = Counter(event.user_id for event in events if isinstance(event, Click | Review))
    states = map(user_state_codec.decode, await store.states(list(expected)))
    assert [state.interactions for state in states] == list(expected.values())


async def said(running: WorkerProcess, holds: Callable[[], bool]) -> None:
    """Until it holds; the worker is alive all along."""

    def alive_and_holds() -> bool:
        status, body = running.get("/healthz")
        assert status == 200, body
        return holds()

    try:
        await eventually(alive_and_holds, 120)
    except AssertionError as error:
        error.add_note(f"{running.readiness()}\n{running.process.tail(60)}")
        raise


def is_ready(running: Gateway) -> bool:
    return running.client.get("/readyz").status_code == 200


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
async def test_the_broker(valkey_url: str, prefix: str, tmp_path: Path, end: signal.Signals) -> None:
    kafka = KafkaServer.start(tmp_path / "kafka")
    try:
        settings = Settings(
            kafka=KafkaSettings(bootstrap=kafka.bootstrap, prefix=prefix),
            redis=RedisSettings(url=valkey_url, prefix=prefix),
        )
        store, events = RedisStore(patient(settings.redis)), clicks_and_reviews(seed=41)
        with (
            worker(tmp_path, settings.kafka, settings.redis, QUICK) as running,
            gateway(tmp_path, kafka.bootstrap, valkey_url, prefix, IMPATIENT_MS) as entrance,
        ):
            await eventually(lambda: is_ready(entrance))
            async with load(entrance, events) as client:
                await eventually(lambda: client.sent > 500)
                os.kill(kafka.process.pid, end)
                assert await asyncio.to_thread(kafka.process.wait, 120)
                await said(running, lambda: running.refuses("kafka"))
                assert not await asyncio.to_thread(is_ready, entrance)
                kafka = await asyncio.to_thread(restarted_kafka, tmp_path / "kafka", kafka)
                await said(running, running.ready)
                await eventually(lambda: is_ready(entrance))
            assert client.refused
            await assert_each_counts_once(settings, store, events)
            assert running.process.returncode is None
        await store.close()
    finally:
        kafka.stop()


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
async def test_the_store(
    kafka_settings: KafkaSettings,
    prefix: str,
    tmp_path: Path,
    end: signal.Signals,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It answers LOADING until the test has seen that, since it is told to take its time for each key."""
    valkey = ValkeyServer.start(tmp_path / "valkey", keep=True)
    try:
        settings = Settings(kafka=kafka_settings, redis=RedisSettings(url=valkey.url, prefix=prefix))
        store, events = RedisStore(patient(settings.redis)), clicks_and_reviews(seed=42)
        with (
            worker(tmp_path, settings.kafka, settings.redis, QUICK) as running,
            gateway(tmp_path, kafka_settings.bootstrap, valkey.url, prefix, IMPATIENT_MS) as entrance,
        ):
            await eventually(lambda: is_ready(entrance))
            async with load(entrance, events) as client:
                await eventually(lambda: client.sent > 500)
                await packed(valkey)
                os.kill(valkey.process.pid, end)
                assert await asyncio.to_thread(valkey.process.wait, 120)
                await said(running, lambda: running.refuses("store"))
                slowly(monkeypatch)
                starting = asyncio.create_task(
                    asyncio.to_thread(restarted_valkey, tmp_path / "valkey", valkey)
                )
                await said(running, lambda: running.refuses("store", "loading its data"))
                await eventually(lambda: loading(entrance), 120)
                await tell(valkey.url, "CONFIG", "SET", "key-load-delay", "0")
                valkey = await starting
                await said(running, running.ready)
                await eventually(lambda: is_ready(entrance))
            await assert_each_counts_once(settings, store, events)
            assert running.process.returncode is None
        await store.close()
    finally:
        valkey.stop()


def loading(running: Gateway) -> bool:
    """Whether a gateway refuses since the store loads its data."""
    answer = running.client.get("/readyz")
    return answer.status_code == 503 and "loading" in answer.json()["parts"]["store"]["trouble"]


async def packed(valkey: ValkeyServer) -> None:
    """What it has is in a file of keys, which it answers between; between commands, it is silent for long.

    There are so many keys that a worker that has to wait for the processor still meets a store that loads. It
    answers after each KB, so they are no smaller: soon enough for those who ask. The file counts once the
    server says so: killed a moment before, it reads its commands instead.
    """
    async with Redis.from_url(valkey.url) as client:
        await client.mset({f"more-{n}": os.urandom(400) for n in range(KEYS)})
        await client.bgrewriteaof()

        async def written() -> bool:
            said = await client.info("persistence")
            return bool(said["aof_base_size"] > 400 * KEYS and not said["aof_rewrite_in_progress"])

        await eventually(written)


def slowly(patch: pytest.MonkeyPatch) -> None:
    """The next server loads its data slowly, and answers meanwhile."""
    command = local_valkey.server_command
    options = ["--key-load-delay", "20000", "--loading-process-events-interval-bytes", "1024"]
    patch.setattr(local_valkey, "server_command", lambda *arguments: [*command(*arguments), *options])
