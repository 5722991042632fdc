"""A store that is copied to another layout holds what it held."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from redis.asyncio import Redis

from model.errors import SettingsError, StoreUnfitError
from streams.commands.main import main
from streams.learning.settings import LearningSettings
from streams.local.valkey_cluster import ValkeyCluster
from streams.settings.connections import RedisSettings
from streams.state.user_state import StateSettings
from streams.stores.commit import Commit, Forgotten, digest_of
from streams.stores.ledger_entries import START, Snapshot
from streams.stores.redis.ledger import CHUNK_BYTES
from streams.stores.redis.reshard import reshard
from streams.stores.redis.store import RedisStore
from tests.conftest import patient

USERS = ["ann", "bob", "{curly}", "*?[x]", "ü" * 30, *(f"u{n}" for n in range(700))]
ITEMS = [f"film-{n}" for n in range(40)]
NOTES = [*(f"item:film-{n}" for n in range(20)), "user:{curly}", "answer:f00d"]
DELETED = [f"gone-{n}" for n in range(9)]
PLACES = [f"{topic}-{n}" for topic in ("clicks", "items") for n in range(8)]


async def filled(settings: RedisSettings) -> None:
    store = RedisStore(
        patient(settings), StateSettings(ttl_days=2), LearningSettings(wait_s=60.0, keep_s=7_200.0)
    )
    values = {user: f"of {user}".encode() for user in USERS}
    items = dict.fromkeys(ITEMS, b"\x00record\xff")
    await store.commit(
        Commit(
            dict.fromkeys(PLACES, -1), {place: n for n, place in enumerate(PLACES)}, values, values, items,
            b"entry", withdrawn={"film-3": True, "film-4": True}, slates=values,
        ),
        "w",
    )  # fmt: skip
    await store.mend_withdrawn({"film-4": False}, {"film-4": digest_of(items["film-4"])})
    await store.put_feed("", b"popular")
    # Of two shards at least, where there are several.
    for place, users in (("clicks-0", 1), ("clicks-1", 2)):
        sums = {"look": {"a:m:0": users, "b:m:14": -(2**53) - users}, "*?[x]": {"a:m:0": 1}}
        offset = PLACES.index(place)
        await store.commit(Commit({place: offset}, {place: offset}, {}, {}, {}, arm_sums=sums), "w")
        await store.append_sums_history("look", users)
    await store.intern(ITEMS)
    await store.activate("model-1")
    await store.note_text_encoder("words 1")
    for name in NOTES:
        await store.put_note(name, name.encode(), "", 600_000)
        await store.put_note("write", name.encode(), "", 600_000, name, 5)
    for user in DELETED:
        forgotten = {user: Forgotten(user.encode(), 5)}
        await store.commit(Commit({}, {}, {}, {}, {}, forgotten=forgotten, tombstone_ms=600_000), "w")
    await store.put_experiments(b"registry", "", b"entry")
    position = await store.commit(Commit({}, {}, {}, {}, {}, b"second"), "w")
    await store.save_snapshot(Snapshot(position, "w", position, bytes(range(256)) * (CHUNK_BYTES // 100)))
    await store.close()


async def held(settings: RedisSettings) -> dict[str, Any]:
    store = RedisStore(patient(settings))
    found = {
        "loaded": await store.load(USERS, PLACES, USERS),
        "feeds": await store.read_feeds([*USERS, ""]),
        "items": await store.items(ITEMS),
        "rows": await store.interned(0),
        "ledger": await store.read_ledger(START, 100),
        "snapshot": await store.snapshot(),
        "model": await store.active_model(),
        "texts": await store.text_encoder(),
        "withdrawn": await store.withdrawals(""),
        "notes": await store.notes(NOTES),
        "notes about": [await store.notes(["write"], name) for name in NOTES],
        "tombstones": (await store.load(DELETED, PLACES)).tombstones,
        "sums": [await store.read_arm_sums(name) for name in ("look", "*?[x]")],
        "history": await store.read_sums_history("look"),
        "experiments": (await store.experiments(), await store.experiments_log()),
    }
    await store.close()
    return found


async def test_there_and_back(
    redis_settings: RedisSettings, valkey_cluster: ValkeyCluster, prefix: str
) -> None:
    await filled(redis_settings)
    before = await held(redis_settings)
    assert before["loaded"].progress["items-7"] == 15
    assert before["notes"] == [name.encode() for name in NOTES]
    sharded = RedisSettings(url=valkey_cluster.url, prefix=prefix, cluster=True, shards=4)
    counts = await reshard(redis_settings, sharded, lambda _: None)
    assert (counts["state"], counts["feed"], counts["item"], counts["progress"]) == (705, 706, 40, 16)
    assert await held(sharded) == before
    assert await held(redis_settings) == before, "the old one stays as it was"
    # The copy goes on as a store does, and what it is brought to then holds the rest of its outboxes too.
    store = RedisStore(patient(sharded))
    await store.commit(Commit({"clicks-1": 1}, {"clicks-1": 2}, {}, {}, {}, b"third"), "w2")
    await store.close()
    async with Redis(host="127.0.0.1", port=valkey_cluster.ports[0]) as node:
        keys = [key.decode() async for key in node.scan_iter(f"{prefix}*:state:*", count=1_000)]
        assert 1 < len(keys) < 700
        assert 0 < await node.pttl(keys[0]) <= 2 * 86_400_000
    back = msgspec.structs.replace(redis_settings, prefix=prefix + "back:")
    await reshard(sharded, back, lambda _: None)
    after = await held(back)
    assert [entry.payload for entry in after.pop("ledger")] == [b"entry", b"second", b"third"]
    assert after.pop("loaded").progress == before["loaded"].progress | {"clicks-1": 2}
    assert after == {name: before[name] for name in after}


async def test_what_is_refused(redis_settings: RedisSettings) -> None:
    four = msgspec.structs.replace(redis_settings, shards=4)
    with pytest.raises(SettingsError, match="no store of 1 shards"):
        await reshard(redis_settings, four, lambda _: None)
    await filled(redis_settings)
    store = RedisStore(patient(redis_settings))
    assert await store.lead("leader", "w", 60_000)
    with pytest.raises(SettingsError, match="stop all workers"):
        await reshard(redis_settings, four, lambda _: None)
    async with Redis.from_url(redis_settings.url) as client:
        await client.delete(f"{redis_settings.prefix}lease:leader")
    await reshard(redis_settings, four, lambda _: None)
    with pytest.raises(SettingsError, match="no store of 1 shards"):  # the mark says four
        await reshard(redis_settings, msgspec.structs.replace(four, shards=2), lambda _: None)
    for shards in (1, 2):
        other = msgspec.structs.replace(four, shards=shards, prefix=f"{four.prefix}{shards}:")
        await reshard(four, other, lambda _: None)
        with pytest.raises(SettingsError, match="in that place already"):
            await reshard(four, other, lambda _: None)
    await store.close()
    late = RedisStore(patient(redis_settings))
    with pytest.raises(StoreUnfitError, match="has 4"):  # the old one is no longer what processes open
        await late.load([], ["clicks-0"])
    await late.close()


def test_the_command(
    redis_settings: RedisSettings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(filled(redis_settings))
    monkeypatch.setenv("HEADRACE_REDIS__URL", redis_settings.url)
    monkeypatch.setenv("HEADRACE_REDIS__PREFIX", redis_settings.prefix)
    assert main(["reshard", "--to-shards", "3"]) == 2
    assert "divisor of kafka.partitions" in capsys.readouterr().err
    assert main(["reshard", "--to-shards", "1", "--to-cluster"]) == 2
    assert main(["reshard", "--to-shards", "2"]) == 0
    assert "state 705" in capsys.readouterr().out
    found = asyncio.run(held(msgspec.structs.replace(redis_settings, shards=2)))
    assert found["loaded"].states[0] == b"of ann"
