"""A call on a cluster reaches the node that has the slot, also while slots move and nodes go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.crc import key_slot

from model.errors import StoreUnavailableError
from streams.local.ports import LOOPBACK
from streams.local.valkey_cluster import ValkeyCluster
from streams.settings.connections import RedisSettings
from streams.stores.commit import Commit
from streams.stores.ledger_entries import START, Snapshot
from streams.stores.redis.store import RedisStore
from tests.connected.events_on_kafka import eventually
from tests.contracts.store_contract import batch

pytestmark = pytest.mark.connected

SHARDS = 4
TIMEOUT_MS = 5_000


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[ValkeyCluster]:
    """One of the test's own, which it may break."""
    cluster = ValkeyCluster.start(tmp_path)
    yield cluster
    cluster.stop()


@pytest.fixture
async def store(cluster: ValkeyCluster) -> AsyncIterator[RedisStore]:
    store = RedisStore(
        RedisSettings(url=cluster.url, prefix="p:", cluster=True, shards=SHARDS, timeout_ms=TIMEOUT_MS)
    )
    yield store
    await store.close()


class Mover:
    """Hands a slot from one node to another, step by step, as `valkey-cli --cluster reshard` does."""

    def __init__(self, cluster: ValkeyCluster, tag: str) -> None:
        self._slot = key_slot(tag.encode())
        self._nodes = [Redis(host=LOOPBACK, port=port) for port in cluster.ports]
        self._from = next(n for n in range(3) if self._slot < 16_384 * (n + 1) // 3)
        self._to = (self._from + 1) % 3

    async def __aenter__(self) -> Mover:
        self._ids = [str(await self._tell(n, "CLUSTER", "MYID"), "ascii") for n in range(3)]
        return self

    async def __aexit__(self, *_: object) -> None:
        for node in self._nodes:
            await node.aclose()

    async def _tell(self, node: int, *command: str | int | bytes) -> bytes:
        reply: bytes = await self._nodes[node].execute_command(*command)  # type: ignore[no-untyped-call]
        return reply

    async def begin(self) -> None:
        await self._tell(self._to, "CLUSTER", "SETSLOT", self._slot, "IMPORTING", self._ids[self._from])
        await self._tell(self._from, "CLUSTER", "SETSLOT", self._slot, "MIGRATING", self._ids[self._to])

    async def move_keys(self) -> None:
        port = self._nodes[self._to].connection_pool.connection_kwargs["port"]
        while keys := await self._tell(self._from, "CLUSTER", "GETKEYSINSLOT", self._slot, 100):
            await self._tell(self._from, "MIGRATE", LOOPBACK, port, "", 0, 5_000, "KEYS", *keys)

    async def end(self) -> None:
        for n in (self._to, self._from, 3 - self._to - self._from):
            await self._tell(n, "CLUSTER", "SETSLOT", self._slot, "NODE", self._ids[self._to])


@pytest.mark.parametrize("tag", ["0", "shared"])
async def test_a_slot_that_moves_is_followed(cluster: ValkeyCluster, store: RedisStore, tag: str) -> None:
    n = 0

    async def count() -> None:
        nonlocal n
        expected = {"c-0": n - 1}
        await store.commit(
            batch(expected, {"c-0": n}, {"u1": b"%d" % n}, {"u1": b"f"}, ledger=b"%d" % n), "w"
        )
        assert (await store.load(["u1"], ["c-0"]))[:2] == ([b"%d" % n], {"c-0": n})
        assert (await store.read_feeds(["u1"])).feeds == [b"f"]
        n += 1

    # A script whose keys are not all there yet must wait for the end of a move: here they are.
    await store.commit(batch(items={"a": b"r"})._replace(withdrawn={"a": True}), "w")
    await store.intern(["a"])
    await count()
    async with Mover(cluster, tag) as mover:
        await mover.begin()
        await mover.move_keys()
        await count()  # the keys are there already: one node sends on to the other (ASK)
        assert await store.states(["u1"]) == [b"%d" % (n - 1)]
        await mover.end()
        await count()  # MOVED, once
        await count()
    assert [entry.payload for entry in await store.read_ledger(START, 10)] == [b"%d" % k for k in range(n)]
    assert await store.intern(["a", "b"]) == [0, 1]


async def test_keys_that_lie_on_two_nodes_are_waited_for(cluster: ValkeyCluster, store: RedisStore) -> None:
    """In the middle of a move no node has all keys of a call: nothing is written, and it passes."""
    first = batch({"c-0": -1}, {"c-0": 0}, {"u1": b"0"}, ledger=b"0")
    await store.commit(first, "w")
    following = batch({"c-0": 0}, {"c-0": 1}, {"u1": b"1", "u9": b"1"}, ledger=b"1")
    async with Mover(cluster, "0") as mover:
        await mover.begin()
        with pytest.raises(StoreUnavailableError, match="moving these keys"):
            await store.commit(following, "w")
        assert await store.states(["u1"]) == [b"0"]
        await mover.move_keys()
        await mover.end()
    await store.commit(following, "w")
    assert (await store.load(["u1", "u9"], ["c-0"]))[:2] == ([b"1", b"1"], {"c-0": 1})
    assert [entry.payload for entry in await store.read_ledger(START, 10)] == [b"0", b"1"]


async def test_a_node_that_is_lost_costs_its_shards_alone_and_in_time(
    cluster: ValkeyCluster, store: RedisStore
) -> None:
    users = [f"u{n}" for n in range(40)]
    await store.commit(Commit({}, {}, dict.fromkeys(users, b"s"), {}, {}), "w")
    assert (await store.condition()).role == "master"
    lost = cluster.processes[2]  # which has shard 0
    lost.terminate(deadline_s=0)
    async with asyncio.timeout(TIMEOUT_MS / 1_000 + 10):
        ends = await asyncio.gather(*(store.feed(user) for user in users), return_exceptions=True)
    failed = [end for end in ends if end is not None]
    assert 0 < len(failed) < len(users)
    assert all(isinstance(end, StoreUnavailableError) for end in failed)

    async def down() -> bool:
        try:
            await store.intern(["a"])
        except StoreUnavailableError as error:
            return "cluster that is down" in str(error)
        return False

    # Once the nodes agree that one is lost, none takes writes any more: half a store would be worse.
    await eventually(down, 60, "for the cluster to notice")
    async with asyncio.timeout(TIMEOUT_MS / 1_000 + 10):
        with pytest.raises(StoreUnavailableError):
            await store.condition()


async def test_what_is_large_holds_nobody_up(cluster: ValkeyCluster, store: RedisStore) -> None:
    payload = bytes(range(256)) * 40_000
    await store.save_snapshot(Snapshot(START, "w", START, payload))
    reading = asyncio.create_task(store.snapshot())
    assert await asyncio.gather(*(store.feed(f"u{n}") for n in range(50))) == [None] * 50
    found = await reading
    assert found is not None
    assert found.payload == payload


async def test_each_answer_reaches_who_asked(cluster: ValkeyCluster, store: RedisStore) -> None:
    """Connections are cut on every node meanwhile; who gets an answer gets the right one."""
    users = [f"u{n}" for n in range(60)]
    states = {user: user.encode() * 50 for user in users}
    await store.commit(Commit({}, {}, states, {}, {}), "w")
    right = 0

    async def ask(user: str) -> None:
        nonlocal right
        for _ in range(20):
            try:
                loaded = await store.load([user], [])
            except StoreUnavailableError:
                await asyncio.sleep(0.01)
                continue
            assert loaded.states == [states[user]]
            right += 1

    async def cut() -> None:
        for _ in range(5):
            for port in cluster.ports:
                async with Redis(host=LOOPBACK, port=port) as node:
                    await node.client_kill_filter(_type="normal", skipme=True)
            await asyncio.sleep(0.01)

    await asyncio.gather(cut(), *(ask(user) for user in users))
    assert right > 600
