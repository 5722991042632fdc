"""Workers and a gateway on a real Redis Cluster of three nodes: nothing is lost and nothing counts twice."""

from __future__ import annotations

import os
import signal
from functools import partial
from pathlib import Path

import pytest
from redis.asyncio import Redis

from streams.events.schema import Click, Impression, Item
from streams.events.schema import encode as encode_event
from streams.kafka.dead_letter_box import read_letters
from streams.kafka.topics import topic_name
from streams.local.valkey_cluster import ValkeyCluster
from streams.ranking import slate as stored_slate
from streams.settings.connections import KafkaSettings, RedisSettings
from streams.settings.tree import Settings
from streams.stores.redis.keys import shard_of
from streams.stores.redis.store import RedisStore
from tests.connected.events_on_kafka import (
    assert_as_a_clean_run,
    eventually,
    now_ms,
    producer,
    send,
    traffic,
    wait_until_applied,
)
from tests.connected.gateway_process import gateway
from tests.connected.test_worker import has_followed
from tests.connected.worker_process import worker

SHARDS = 4
ENVIRON = {
    "HEADRACE_REDIS__CLUSTER": "true",
    "HEADRACE_REDIS__SHARDS": str(SHARDS),
    "HEADRACE_WORKER__SNAPSHOT_EVERY_S": "0.5",
    "HEADRACE_KAFKA__SESSION_TIMEOUT_MS": "3000",
    "HEADRACE_KAFKA__HEARTBEAT_MS": "300",
}


@pytest.fixture(name="settings")
def deployment(kafka_settings: KafkaSettings, valkey_cluster: ValkeyCluster) -> Settings:
    redis = RedisSettings(url=valkey_cluster.url, prefix=kafka_settings.prefix, cluster=True, shards=SHARDS)
    return Settings(kafka=kafka_settings, redis=redis)


async def test_workers_are_killed_and_connections_cut(
    settings: Settings, store: RedisStore, tmp_path: Path, valkey_cluster: ValkeyCluster
) -> None:
    kafka, redis = settings.kafka, settings.redis
    events = list(traffic(1_200, seed=7))
    with (
        gateway(tmp_path, kafka.bootstrap, redis.url, kafka.prefix, more=ENVIRON) as door,
        worker(tmp_path, kafka, redis, ENVIRON, "one") as one,
    ):
        with worker(tmp_path, kafka, redis, ENVIRON, "two") as two:
            async with producer(kafka) as client:
                for at in range(0, len(events), 40):
                    await send(client, kafka, events[at : at + 40])
                    if at == 400:
                        await eventually(partial(has_followed, one))  # so the other one has written something
                        os.kill(two.process.pid, signal.SIGKILL)
                    if at % 200 == 0:
                        for port in valkey_cluster.ports:
                            async with Redis(host="127.0.0.1", port=port) as node:
                                await node.client_kill_filter(_type="normal", skipme=True)
            assert two.process.wait(60)
        await wait_until_applied(settings, store)
        await eventually(lambda: one.metric("headrace_worker_snapshot_bytes") > 0)
        await assert_as_a_clean_run(settings, store)
        for user in ("click-3", "mixed-5", "review-8"):
            feed = door.client.get(f"/v1/users/{user}/feed", params={"n": 5})
            raw = await store.feed(user)
            assert raw is not None
            assert feed.status_code == 200
            assert feed.json()["slate_id"] == stored_slate.decode(raw).slate_id
        seen = await keys_by_node(valkey_cluster, redis.prefix)
        assert all(any(b":state:" in key for key in keys) for keys in seen), "each node has users"


async def test_what_is_withdrawn_and_what_lies_in_the_wrong_place(
    settings: Settings, store: RedisStore, tmp_path: Path
) -> None:
    kafka = settings.kafka
    with worker(tmp_path, kafka, settings.redis, ENVIRON) as running:
        async with producer(kafka) as client:
            films = [Item(event_id=f"i{n}", ts=now_ms(), item_id=f"film-{n}") for n in range(8)]
            clicks = [
                Click(event_id=f"c{n}", ts=now_ms(), user_id=f"user-{n}", item_id=f"film-{n}")
                for n in range(8)
            ]
            shown = Impression(
                event_id="s", ts=now_ms(), user_id="user-1", slate_id="unknown", items=["film-1"]
            )
            await send(client, kafka, [*films, *clicks, shown])
            await wait_until_applied(settings, store)
            for available in (False, True):
                put = Item(event_id=str(available), ts=now_ms(), item_id="film-3", available=available)
                await send(client, kafka, [put])
                await wait_until_applied(settings, store)
                assert (await store.withdrawals("")).changes == {"film-3": not available}
            # A producer that chooses partitions by itself.
            stray = Click(event_id="stray", ts=now_ms(), user_id="user-1", item_id="film-1")
            elsewhere = (shard_of("user-1", SHARDS) + 1) % SHARDS
            await client.send_and_wait(
                topic_name(kafka, "clicks"), encode_event(stray), b"user-1", partition=elsewhere
            )
            await wait_until_applied(settings, store)
        await eventually(lambda: running.metric("headrace_worker_dead_letters_total") == 1)
        assert running.metric("headrace_worker_fenced_batches_total") == 0
    letters = await read_letters(kafka)
    assert [(letter.reason, letter.partition) for letter in letters] == [("wrong_partition", elsewhere)]


async def keys_by_node(cluster: ValkeyCluster, prefix: str) -> list[list[bytes]]:
    found = []
    for port in cluster.ports:
        async with Redis(host="127.0.0.1", port=port) as node:
            found.append([key async for key in node.scan_iter(f"{prefix}*", count=10_000)])
    return found
