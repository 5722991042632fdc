"""The store is cut off, freezes or dies under live feeds: connections stay, and no newest feed is missed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from redis.asyncio import Redis

from model.errors import StoreUnavailableError
from streams.events.schema import Click, Forget
from streams.kafka.topics import ensure_topics
from streams.ranking.slate import encode
from streams.settings.connections import RedisSettings
from streams.settings.live import LiveSettings
from streams.settings.tree import Settings
from streams.stores.commit import Commit
from streams.stores.redis import news
from streams.stores.redis.store import RedisStore
from tests.conftest import patient
from tests.connected.events_on_kafka import now_ms, producer, send
from tests.connected.worker_process import worker
from tests.contracts.own_server import Server
from tests.streams.gateway.live.serving import Served, Stream, served
from tests.streams.gateway.test_feeds import slate

USERS = 20


@pytest.fixture
async def writer(server: Server) -> AsyncIterator[RedisStore]:
    """What a worker of the same deployment writes with."""
    server.start()
    store = RedisStore(RedisSettings(url=server.url, timeout_ms=1_000))
    await server.until_it_answers(store)
    yield store
    await store.close()


async def push(store: RedisStore, user: str, name: str) -> None:
    feed = encode(msgspec.structs.replace(slate(user), slate_id=name))
    while True:
        try:
            await store.commit(Commit({}, {}, {}, {user: feed}, {}), "w")
            return
        except StoreUnavailableError:
            await asyncio.sleep(0.05)


async def following(here: Served) -> list[Stream]:
    streams = [await here.connect(f"u{number}") for number in range(USERS)]
    for stream in streams:
        await stream.next(1)
    await here.eventually(lambda: here.value("live_hears") == 1)
    return streams


async def all_see(streams: list[Stream], name: str) -> None:
    for stream in streams:
        while (await stream.next(1))[0].last_event_id != name:
            pass


async def test_a_subscription_that_is_cut_misses_nothing(server: Server, writer: RedisStore) -> None:
    gateways = RedisStore(RedisSettings(url=server.url))
    client: Any = Redis.from_url(server.url)
    async with served(store=gateways) as here:
        streams = await following(here)
        for round_ in range(3):
            assert await client.execute_command("CLIENT", "KILL", "TYPE", "pubsub") == 1
            for number in range(USERS):
                await push(writer, f"u{number}", f"s{round_}")
            await all_see(streams, f"s{round_}")
            await here.eventually(lambda: here.value("live_hears") == 1)
    await client.aclose()


async def test_the_server_restarts(server: Server, writer: RedisStore) -> None:
    gateways = RedisStore(RedisSettings(url=server.url, timeout_ms=500))
    async with served(store=gateways) as here:
        streams = await following(here)
        server.kill()
        await here.eventually(lambda: here.value("live_hears") == 0)
        refused = await here.connect("late")
        assert (refused.status, (await refused.body())["reason"]) == (503, "store_unavailable")
        server.start()
        for number in range(USERS):
            await push(writer, f"u{number}", "after")  # before the gateway listens again, as like as not
        await all_see(streams, "after")
        await here.eventually(lambda: here.value("live_hears") == 1)
        await push(writer, "u3", "later")
        await all_see([streams[3]], "later")
        assert here.open() == USERS, "nobody had to come back"


async def test_a_server_that_says_nothing_is_lost(
    server: Server, writer: RedisStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No FIN and no reset: the link looks alive."""
    monkeypatch.setattr(news, "SILENT_S", 1.0)
    gateways = RedisStore(RedisSettings(url=server.url, timeout_ms=500))
    async with served(store=gateways) as here:
        streams = await following(here)
        await asyncio.sleep(2.5)
        assert here.value("live_hears") == 1, "a sign of life is enough"
        server.freeze()
        await here.eventually(lambda: here.value("live_hears") == 0)
        server.thaw()
        await here.eventually(lambda: here.value("live_hears") == 1)
        await push(writer, "u0", "s1")
        await all_see([streams[0]], "s1")


async def test_from_a_click_to_the_stream(settings: Settings, tmp_path: Path) -> None:
    """The whole way, with a worker: what comes was caused by the click, and goes with the user."""
    await ensure_topics(settings.kafka)
    async with served(LiveSettings(), RedisStore(patient(settings.redis))) as here:
        stream = await here.connect("ann")
        await stream.next(1)
        with worker(tmp_path, settings.kafka, settings.redis):
            async with producer(settings.kafka) as client:
                for number in range(3):
                    act = Click(event_id=f"c{number}", ts=now_ms(), user_id="ann", item_id=f"i{number}")
                    await send(client, settings.kafka, [act])
                    (feed,) = await stream.feeds(1)
                    assert feed["cause"] == f"c{number}"
                await send(client, settings.kafka, [Forget(event_id="f", ts=now_ms(), user_id="ann")])
                assert (await stream.next(1))[0].last_event_id in {"-", ""}, "there is no feed any more"
        assert here.value("live_lag_seconds_count") == 3
