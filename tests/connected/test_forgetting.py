"""A user is deleted over HTTP: afterwards no key and no value in the store holds their id."""

from __future__ import annotations

import asyncio
import zlib
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from redis.asyncio import Redis

from streams.events.schema import AnyEvent, Click, Impression, Review
from streams.settings.tree import Settings
from streams.state import user_state_codec
from streams.state.tombstone import tombstone_name
from streams.stores.redis.store import RedisStore
from tests.connected.events_on_kafka import now_ms, producer, send, wait_until_applied
from tests.connected.gateway_process import gateway
from tests.connected.worker_process import worker

ANN = "ann-7f3c9e"
ENVIRON = {"HEADRACE_WORKER__SNAPSHOT_EVERY_S": "0.5", "HEADRACE_REDIS__LEDGER_MARGIN_MS": "0"}
PATIENCE_S = 60


async def held(redis: Redis, prefix: str) -> dict[str, bytes]:
    """Every key of a deployment, and all that it holds."""
    found = {}
    async for key in redis.scan_iter(f"{prefix}*", count=1_000):
        match await redis.type(key):
            case b"string":
                value = repr(await redis.get(key))
            case b"hash":
                value = repr(await redis.hgetall(key))
            case b"list":
                value = repr(await redis.lrange(key, 0, -1))
            case b"zset":
                value = repr(await redis.zrange(key, 0, -1))
            case b"stream":
                value = repr(await redis.xrange(key))
            case b"none":
                continue  # gone since
            case other:
                raise AssertionError(f"{key!r} is a {other!r}, which this test can't read")
        found[key.decode()] = value.encode()
    return found


def naming(store: dict[str, bytes], user: str) -> list[str]:
    return [key for key, value in store.items() if user in key or user.encode() in value]


async def test_no_key_and_no_value_names_a_deleted_user(
    settings: Settings, store: RedisStore, tmp_path: Path
) -> None:
    kafka, redis = settings.kafka, settings.redis
    others = [Click(event_id=f"o{n}", ts=now_ms(), user_id=f"u{n}", item_id=f"i{n % 7}") for n in range(20)]
    before_ms = now_ms()
    own: list[AnyEvent] = [
        Click(event_id="a1", ts=before_ms, user_id=ANN, item_id="i1"),
        Review(event_id="a2", ts=before_ms, user_id=ANN, item_id="i2", rating=5.0, text="My own words."),
        Impression(event_id="a3", ts=before_ms, user_id=ANN, slate_id="s", items=["i3", "i4"]),
    ]
    with (
        gateway(tmp_path, kafka.bootstrap, redis.url, kafka.prefix) as door,
        worker(tmp_path, kafka, redis, ENVIRON),
    ):

        async def ask(method: str, path: str, **more: Any) -> httpx.Response:
            return await asyncio.to_thread(partial(door.client.request, method, path, **more))

        async with producer(kafka) as client, Redis.from_url(redis.url) as server:
            await send(client, kafka, [*others, *own])
            key = {"Idempotency-Key": "k-1"}
            put = await ask("PUT", f"/v1/users/{ANN}", json={"profile": {"city": "Ulm"}}, headers=key)
            assert put.status_code == 202
            await wait_until_applied(settings, store)
            assert (await ask("GET", f"/v1/users/{ANN}/feed")).json()["items"]
            assert len(naming(await held(server, redis.prefix), ANN)) >= 5, "what is looked for can be found"

            deleted = await ask("DELETE", f"/v1/users/{ANN}")
            assert (deleted.status_code, deleted.json()["status"]) == (202, "accepted")
            assert (await ask("GET", f"/v1/users/{ANN}")).status_code == 404
            await wait_until_applied(settings, store)
            late = Click(event_id="a4", ts=before_ms, user_id=ANN, item_id="i5")
            await send(client, kafka, [late, *own])
            await wait_until_applied(settings, store)
            assert (await ask("GET", f"/v1/users/{ANN}")).status_code == 404

            async with asyncio.timeout(PATIENCE_S):
                for n in range(1_000):  # others act on, and snapshots drop what the ledger held
                    act = Click(event_id=f"p{n}", ts=now_ms(), user_id="u1", item_id=f"i{n % 7}")
                    await send(client, kafka, [act])
                    await wait_until_applied(settings, store)
                    left = await held(server, redis.prefix)
                    if not naming(left, ANN):
                        break
                    await asyncio.sleep(0.2)
            assert naming(left, ANN) == []
            snapshot = await store.snapshot()
            assert snapshot is not None
            assert ANN.encode() not in zlib.decompress(snapshot.payload)
            assert [each for each in left if "forgotten:" in each] == [
                f"{redis.prefix}forgotten:{tombstone_name(ANN)}"
            ]

            new = Click(event_id="a5", ts=now_ms() + 1, user_id=ANN, item_id="i1")
            await asyncio.sleep(0.01)
            await send(client, kafka, [new])
            await wait_until_applied(settings, store)
            (state,) = await store.states([ANN])
            assert user_state_codec.decode(state).interactions == 1
            assert (await ask("GET", f"/v1/users/{ANN}")).json() == {"user_id": ANN, "profile": {}}
