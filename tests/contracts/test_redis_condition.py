"""What the store finds out about a real server, and what it says where that takes no writes for a while."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError

from model.errors import StoreUnavailableError
from streams.settings.connections import RedisSettings
from streams.stores.condition import concerns, waits_for
from streams.stores.ledger_entries import START
from streams.stores.redis.store import RedisStore
from tests.connected.events_on_kafka import eventually
from tests.contracts.own_server import Server
from tests.contracts.store_contract import batch
from tests.listening import nobody_listens

pytestmark = pytest.mark.connected


@asynccontextmanager
async def store_on(server: Server, *options: str, user: str = "") -> AsyncIterator[RedisStore]:
    """A store on the server, started with these options; `user`: "NAME:PASSWORD"."""
    server.start(*options)
    async with Redis.from_url(server.url) as client:
        await eventually(lambda: answers(client), 30, "for the server")
        if user:
            name, _, password = user.partition(":")
            await send(client, "ACL", "SETUSER", name, "on", f">{password}", "~*", "&*", "+@all")
    store = RedisStore(RedisSettings(url=server.url.replace("//", f"//{user}@" if user else "//")))
    try:
        yield store
    finally:
        await store.close()


async def answers(client: Redis) -> bool:
    try:
        return bool(await client.info())
    except ConnectionError:
        return False


async def send(client: Redis, *command: str) -> None:
    await client.execute_command(*command)  # type: ignore[no-untyped-call]  # not annotated there


async def tell(url: str, *command: str) -> None:
    async with Redis.from_url(url) as client:
        await send(client, *command)


async def test_its_settings_as_they_are_changed(server: Server) -> None:
    async with store_on(server) as store:
        found = await store.condition()
        assert (found.policy, found.role, found.appendonly, found.saves) == (
            "noeviction",
            "master",
            True,
            False,
        )
        assert concerns(found) == []
        await tell(server.url, "CONFIG", "SET", "maxmemory-policy", "volatile-ttl")
        await tell(server.url, "CONFIG", "SET", "appendonly", "no")
        found = await store.condition()
        assert (found.policy, found.appendonly, found.saves) == ("volatile-ttl", False, False)
        assert {concern.kind for concern in concerns(found)} == {"eviction", "persistence"}
        await tell(server.url, "CONFIG", "SET", "save", "60 1000")
        assert (await store.condition()).saves is True


async def test_a_server_without_the_command_config_is_asked_by_info(server: Server) -> None:
    options = ("--rename-command", "CONFIG", "", "--maxmemory-policy", "allkeys-lfu")
    async with store_on(server, *options) as store:
        found = await store.condition()
    assert (found.policy, found.role, found.appendonly, found.saves) == ("allkeys-lfu", "master", True, None)


@pytest.mark.parametrize(
    ("denied", "policy"),
    [(["-config"], "allkeys-lru"), (["-info"], "allkeys-lru"), (["-config", "-info"], "")],
)
async def test_a_user_who_may_not_ask_gets_what_they_may(
    server: Server, denied: list[str], policy: str
) -> None:
    async with store_on(server, "--maxmemory-policy", "allkeys-lru", user="app:secret") as store:
        await tell(server.url, "ACL", "SETUSER", "app", *denied)
        found = await store.condition()
        assert found.policy == policy
        assert "eviction" in {concern.kind for concern in concerns(found)}
        await store.commit(batch(states={"u": b"s"}), "w")
        assert await store.states(["u"]) == [b"s"]


async def test_a_replica_takes_no_writes_and_loses_none(server: Server) -> None:
    with nobody_listens() as nowhere:
        async with store_on(server) as store:
            await store.commit(batch({"c-0": -1}, {"c-0": 1}, {"u": b"1"}, ledger=b"e"), "w")
            await tell(server.url, "REPLICAOF", "127.0.0.1", str(nowhere))
            waited = waits_for(await store.condition())
            assert waited is not None
            assert "name the primary" in waited.text
            following = batch({"c-0": 1}, {"c-0": 2}, {"u": b"2"}, ledger=b"e")
            with pytest.raises(StoreUnavailableError, match="is a replica and takes no writes"):
                await store.commit(following, "w")
            assert (await store.load(["u"], ["c-0"]))[:2] == ([b"1"], {"c-0": 1})
            await tell(server.url, "CONFIG", "SET", "replica-serve-stale-data", "no")
            with pytest.raises(StoreUnavailableError, match="has lost its primary"):
                await store.states(["u"])
            await tell(server.url, "REPLICAOF", "NO", "ONE")
            await store.commit(following, "w")
            assert (await store.load(["u"], ["c-0"]))[:2] == ([b"2"], {"c-0": 2})


async def test_a_refused_write_lets_go_of_the_connection(server: Server) -> None:
    """After a failover the name of the primary leads elsewhere; who stays connected never finds out."""
    async with store_on(server) as store:
        await store.active_model()
        await tell(server.url, "REPLICAOF", "127.0.0.1", "1")
        async with Redis.from_url(server.url) as client:
            before = (await client.info("stats"))["total_connections_received"]
            for _ in range(3):
                with pytest.raises(StoreUnavailableError, match="replica"):
                    await store.activate("m")
            assert (await client.info("stats"))["total_connections_received"] == before + 2


async def test_a_full_store_writes_all_of_a_batch_later_or_nothing(server: Server) -> None:
    async with store_on(server) as store:
        first = batch({"c-0": -1}, {"c-0": 1}, {"u": b"1", "v": b"1"}, ledger=b"e")
        await tell(server.url, "CONFIG", "SET", "maxmemory", "1")
        for _ in range(2):
            with pytest.raises(StoreUnavailableError, match="is full and takes no writes"):
                await store.commit(first, "w")
        assert (await store.load(["u", "v"], ["c-0"]))[:2] == ([None, None], {"c-0": -1})
        await tell(server.url, "CONFIG", "SET", "maxmemory", "0")
        await store.commit(first, "w")
        assert (await store.load(["u", "v"], ["c-0"]))[:2] == ([b"1", b"1"], {"c-0": 1})
        assert len(await store.read_ledger(START, 10)) == 1


async def test_a_server_that_loads_its_data_says_so(server: Server) -> None:
    async with store_on(server) as store:
        await store.commit(batch({"c-0": -1}, {"c-0": 1}, {"u": b"1"}), "w")
        async with Redis.from_url(server.url) as client:
            async with client.pipeline(transaction=False) as pipeline:
                for n in range(5_000):
                    pipeline.set(f"more:{n}", b"v")
                await pipeline.execute()
            await client.bgrewriteaof()  # a snapshot, which is loaded key by key

            async def rewritten() -> bool:
                return not (await client.info("persistence"))["aof_rewrite_in_progress"]

            await eventually(rewritten)
        server.kill()
        server.start("--key-load-delay", "2000", "--loading-process-events-interval-bytes", "1024")

        async def loading() -> bool:
            try:
                return (await store.condition()).loading
            except StoreUnavailableError:
                return False

        await eventually(loading, what="for it to load")
        with pytest.raises(StoreUnavailableError, match="is loading its data"):
            await store.states(["u"])
        waited = waits_for(await store.condition())
        assert waited is not None
        assert waited.kind == "loading"
        await tell(server.url, "CONFIG", "SET", "key-load-delay", "0")

        async def loaded() -> bool:
            return not (await store.condition()).loading

        await eventually(loaded)
        assert (await store.load(["u"], ["c-0"]))[:2] == ([b"1"], {"c-0": 1})
