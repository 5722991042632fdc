"""A worker that can't go on ends by itself, soon, and its last words are the reason."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import msgspec
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from streams.kafka.topics import topic_name
from streams.local.valkey import ValkeyServer
from streams.settings.tree import Settings
from streams.stores.redis.store import RedisStore
from streams.worker.ending import FAILED, UNFIT
from tests.connected.events_on_kafka import eventually, producer, send, traffic, wait_until_applied
from tests.connected.worker_process import WorkerProcess, worker
from tests.contracts.test_redis_condition import tell
from tests.failures.test_killed_worker import QUICK, playing
from tests.freezing import freeze, thaw

ENDS_WITHIN_S = 60.0  # far more than the deadline: other work may have the processor

# What breaks, once there is a file of that name: one line for each part of a worker.
SABOTAGE = """\
import pathlib
broken = pathlib.Path({switch!r}).exists

def breaks(owner, name):
    whole = getattr(owner, name)
    def call(*arguments, **more):
        if broken():
            raise ValueError("broken on purpose")
        return whole(*arguments, **more)
    setattr(owner, name, call)

{line}
"""
PARTS = {
    "a batch": "from streams.worker import folding; breaks(folding, 'process')",
    "a write": "from streams.stores.redis.store import RedisStore; breaks(RedisStore, 'commit')",
    "a chore": "from streams.worker import chores; breaks(chores, 'popular_feed')",
    "a fetch": (
        "from streams.worker.aiokafka_thread import AiokafkaThread; breaks(AiokafkaThread, '_fetch_records')"
    ),
    "the fetcher": "from aiokafka.consumer.fetcher import Fetcher; breaks(Fetcher, '_get_actions_per_node')",
    "a poll": "from streams.worker.poller import Poller; breaks(Poller, '_turn')",
    "what was polled": "from streams.kafka.polled import Polling; breaks(Polling, 'take')",
    "a heartbeat": "from aiokafka.consumer.group_coordinator import GroupCoordinator\n"
    "breaks(GroupCoordinator, 'ensure_coordinator_known')",
}

AIOKAFKA = {"HEADRACE_KAFKA__CONSUMER": "aiokafka"}
AIOKAFKAS_PARTS = ("a fetch", "the fetcher", "a heartbeat")


def assert_ends(running: WorkerProcess, status: int, reason: str) -> None:
    assert running.process.wait(ENDS_WITHIN_S), running.process.tail(60)
    assert running.process.returncode == status, running.process.tail(60)
    last = running.log().rstrip().splitlines()[-1]
    assert f"worker ends with exit status {status}: " in last
    assert reason in last


@pytest.mark.parametrize("part", PARTS)
async def test_whichever_part_fails(settings: Settings, tmp_path: Path, part: str) -> None:
    switch = tmp_path / "broken"
    sabotage = SABOTAGE.format(switch=str(switch), line=PARTS[part])
    more = QUICK | AIOKAFKA if part in AIOKAFKAS_PARTS else QUICK
    with worker(tmp_path, settings.kafka, settings.redis, more, before=sabotage) as running:
        switch.touch()
        async with producer(settings.kafka) as client:
            await send(client, settings.kafka, traffic(50, seed=3))
        assert_ends(running, FAILED, "broken on purpose")


# The group is joined again and again, and the answers are none that the client knows.
UNKNOWN_ANSWERS = """\
import pathlib
from aiokafka.consumer import group_coordinator as client
from aiokafka.errors import KafkaError
odd = pathlib.Path({switch!r}).exists
heartbeat = client.GroupCoordinator._do_heartbeat
join = client.CoordinatorGroupRebalance.perform_group_join

async def rejoins(self):
    if odd():
        self.request_rejoin()
    return await heartbeat(self)

async def fails(self):
    if odd():
        raise KafkaError("an answer that nobody knows")
    return await join(self)

client.GroupCoordinator._do_heartbeat = rejoins
client.CoordinatorGroupRebalance.perform_group_join = fails
"""


async def test_after_answers_that_are_not_known_it_goes_on(
    settings: Settings, store: RedisStore, tmp_path: Path
) -> None:
    switch = tmp_path / "odd"
    before = UNKNOWN_ANSWERS.format(switch=str(switch))
    with worker(tmp_path, settings.kafka, settings.redis, QUICK | AIOKAFKA, before=before) as running:
        switch.touch()
        await eventually(lambda: "an answer that nobody knows" in str(running.readiness()))
        assert not running.ready()
        switch.unlink()
        await eventually(running.ready)
        async with producer(settings.kafka) as client:
            await send(client, settings.kafka, traffic(50, seed=7))
        await wait_until_applied(settings, store)
        assert running.process.returncode is None


async def test_a_topic_that_was_made_anew(settings: Settings, store: RedisStore, tmp_path: Path) -> None:
    """Its new events would be taken for old ones; only somebody who knows what was done can mend that."""
    one = msgspec.structs.replace(settings.kafka, partitions=1)
    settings = msgspec.structs.replace(settings, kafka=one)
    with worker(tmp_path, settings.kafka, settings.redis, QUICK) as running:
        async with producer(settings.kafka) as client:
            await send(client, settings.kafka, traffic(200, seed=4))
        await wait_until_applied(settings, store)
        clicks = topic_name(settings.kafka, "clicks")
        admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka.bootstrap)
        await admin.start()
        try:
            await admin.delete_topics([clicks])

            async def made() -> bool:
                answer = await admin.create_topics([NewTopic(clicks, 1, 1)])
                return all(code == 0 for _, code, *_ in answer.topic_errors)

            await eventually(made)
        finally:
            await admin.close()
        async with producer(settings.kafka) as client:
            await send(client, settings.kafka, traffic(30, seed=5))
        assert_ends(running, UNFIT, "someone made the topic anew")


async def test_a_store_that_evicts_is_refused_where_strict(settings: Settings, tmp_path: Path) -> None:
    """And is only said where it is not; the store here is the test's own."""
    server = ValkeyServer.start(tmp_path / "valkey")
    try:
        redis = msgspec.structs.replace(settings.redis, url=server.url)
        await tell(server.url, "CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
        more = QUICK | {"HEADRACE_REDIS__WATCH_EVERY_S": "0.5"}
        strict = more | {"HEADRACE_REDIS__STRICT": "true"}
        with worker(tmp_path, settings.kafka, redis, strict, "strict", wait=False) as refused:
            assert_ends(refused, UNFIT, "maxmemory-policy is allkeys-lru")
        with worker(tmp_path, settings.kafka, redis, more, "lenient") as running:
            part = running.readiness()["parts"]["store"]
            assert part["ready"]
            assert "allkeys-lru" in part["trouble"]
            assert "allkeys-lru" in running.log()
            assert running.metric("headrace_worker_store_concern", kind="eviction") == 1
            await tell(server.url, "CONFIG", "SET", "maxmemory-policy", "noeviction")
            await eventually(lambda: "allkeys-lru" not in str(running.readiness()))
        with worker(tmp_path, settings.kafka, redis, strict, "strict-2") as running:
            await tell(server.url, "CONFIG", "SET", "maxmemory-policy", "volatile-ttl")
            await eventually(lambda: running.refuses("store", "volatile-ttl"))
            assert running.get("/healthz")[0] == 200
            await tell(server.url, "CONFIG", "SET", "maxmemory-policy", "noeviction")
            await eventually(running.ready)
            await tell(server.url, "REPLICAOF", "127.0.0.1", "1")
            await eventually(lambda: running.refuses("store", "replica"))
            assert running.get("/healthz")[0] == 200
            await tell(server.url, "REPLICAOF", "NO", "ONE")
            await eventually(running.ready)
    finally:
        server.stop()


async def test_a_thawed_worker_is_not_ready_before_it_has_partitions_again(
    settings: Settings, store: RedisStore, tmp_path: Path
) -> None:
    """Another has them meanwhile. What was asked while it was frozen is answered first, and truly."""
    with worker(tmp_path, settings.kafka, settings.redis, QUICK, "frozen") as frozen:
        async with playing(settings, list(traffic(1_500, seed=6))):
            freeze(frozen.process.pid)
            try:
                assert frozen.get("/healthz", timeout_s=1.0)[0] == 0
                with worker(tmp_path, settings.kafka, settings.redis, QUICK, "heir"):
                    answers: list[tuple[int, bytes]] = []
                    asking = threading.Thread(target=lambda: answers.append(frozen.get("/readyz", 60)))
                    asking.start()
                    thaw(frozen.process.pid)
                    asking.join()
                    status, body = answers[0]
                    assert status == 503, body
                    assert not json.loads(body)["parts"]["kafka"]["ready"]
                    await eventually(frozen.ready)
                    assert frozen.get("/healthz")[0] == 200
            finally:
                thaw(frozen.process.pid)
        await wait_until_applied(settings, store)
