"""The store in a real Valkey keeps the contract, and what only it can show: keys, expiry, announcements."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest
from redis.asyncio import Redis

from model.errors import CursorError, SettingsError, StoreError, StoreUnavailableError, StoreUnfitError
from streams.learning.settings import LearningSettings
from streams.local.valkey_cluster import ValkeyCluster
from streams.settings.connections import RedisSettings
from streams.state.user_state import StateSettings
from streams.stores.base import Store
from streams.stores.commit import Commit
from streams.stores.ledger_entries import START, Snapshot
from streams.stores.redis import relay
from streams.stores.redis.ledger import CHUNK_BYTES
from streams.stores.redis.store import RedisStore
from tests.conftest import patient
from tests.contracts.store_contract import MARGIN_MS, SHARDS, MakeStore, StoreContract, batch

pytestmark = pytest.mark.patient


class OnRedis(StoreContract):
    """Subclasses give the fixture `layout`: the server or cluster, and how the keys are laid out there."""

    @pytest.fixture
    async def make_store(self, layout: RedisSettings) -> AsyncIterator[MakeStore]:
        made: list[RedisStore] = []

        def make(state: StateSettings = StateSettings(), ledger_margin_ms: int = MARGIN_MS) -> Store:
            settings = msgspec.structs.replace(patient(layout), ledger_margin_ms=ledger_margin_ms)
            made.append(RedisStore(settings, state))
            return made[-1]

        yield make
        for store in made:
            await store.close()


class TestRedisStore(OnRedis):
    @pytest.fixture
    def layout(self, redis_settings: RedisSettings) -> RedisSettings:
        return redis_settings


class TestShardsOnOneServer(OnRedis):
    @pytest.fixture
    def layout(self, redis_settings: RedisSettings) -> RedisSettings:
        return msgspec.structs.replace(patient(redis_settings), shards=SHARDS)


class TestShardsOnACluster(OnRedis):
    @pytest.fixture
    def layout(self, valkey_cluster: ValkeyCluster, prefix: str) -> RedisSettings:
        return RedisSettings(url=valkey_cluster.url, prefix=prefix, cluster=True, shards=SHARDS)


class TestOneShardOnACluster(OnRedis):
    @pytest.fixture
    def layout(self, valkey_cluster: ValkeyCluster, prefix: str) -> RedisSettings:
        return RedisSettings(url=valkey_cluster.url, prefix=f"{{{prefix}}}:", cluster=True)


@pytest.fixture
async def client(redis_settings: RedisSettings) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_settings.url) as client:
        yield client


@pytest.fixture
async def store(redis_settings: RedisSettings) -> AsyncIterator[RedisStore]:
    store = RedisStore(patient(redis_settings))
    yield store
    await store.close()


async def test_every_key_has_the_prefix(
    redis_settings: RedisSettings, client: Redis, store: RedisStore
) -> None:
    before = set(await client.keys("*"))
    position = await store.commit(
        batch({"c-0": -1}, {"c-0": 1}, {"u": b"s"}, {"u": b"f"}, {"i": b"r"}, b"e"), "w"
    )
    await store.intern(["i"])
    await store.lead("l", "w", 60_000)
    await store.activate("m")
    await store.put_note("n", b"v", "", 60_000)
    await store.save_snapshot(Snapshot(position, "w", position, b"p"))
    made = set(await client.keys("*")) - before
    # All that `streams.stores.redis.keys` lists for one shard, but kept slates, withdrawn and dropped ones.
    assert len(made) == 14
    assert all(str(key, "utf-8").startswith(redis_settings.prefix) for key in made if isinstance(key, bytes))


async def test_two_prefixes_are_two_stores(redis_settings: RedisSettings, store: RedisStore) -> None:
    other = RedisStore(RedisSettings(url=redis_settings.url, prefix=redis_settings.prefix + "other:"))
    await store.commit(batch(states={"u": b"s"}, ledger=b"e"), "w")
    assert await other.states(["u"]) == [None]
    assert await other.read_ledger(START, 10) == []
    await other.close()


async def test_a_write_sets_the_time_to_live_anew(redis_settings: RedisSettings, client: Redis) -> None:
    store = RedisStore(patient(redis_settings), StateSettings(ttl_days=2))
    await store.commit(batch(states={"u": b"s"}), "w")
    key = f"{redis_settings.prefix}state:u"
    await client.pexpire(key, 1_000)
    await store.commit(batch(states={"u": b"s"}), "w")
    assert 1_000 < await client.pttl(key) <= 2 * 86_400_000
    await store.close()


async def test_kept_slates_expire_by_a_time_of_their_own(
    redis_settings: RedisSettings, client: Redis
) -> None:
    learning = LearningSettings(wait_s=60.0, keep_s=7_200.0)
    store = RedisStore(patient(redis_settings), StateSettings(ttl_days=2), learning)
    commit = Commit({}, {}, {"u": b"s"}, {}, {}, slates={"u": b"k"})
    await store.commit(commit, "w")
    key = f"{redis_settings.prefix}slates:u"
    assert 0 < await client.pttl(key) <= 7_200_000 < await client.pttl(f"{redis_settings.prefix}state:u")
    await client.pexpire(key, 1_000)
    await store.commit(commit._replace(slates={"u": b"l"}), "w")
    assert 1_000 < await client.pttl(key) <= 7_200_000
    await store.close()


async def test_a_note_about_a_user_takes_no_longer_the_more_there_are(
    redis_settings: RedisSettings, client: Redis, store: RedisStore
) -> None:
    key = f"{redis_settings.prefix}notes:ann"
    for n in range(60):
        await store.put_note(f"short-{n}", b"v", "", 50, "ann", 1)
    await store.put_note("long", b"v", "", 60_000, "ann", 1)
    await asyncio.sleep(0.1)
    before = await _all_fields_read(client)
    for n in range(60):
        await store.put_note(f"later-{n}", b"v", "", 1_000, "ann", 1)
    assert await _all_fields_read(client) == before
    assert await client.hlen(key) < 90, "most of what holds no more is gone"
    assert 1_000 < await client.pttl(key) <= 60_000, "until the last of them holds no more"
    assert await store.notes(["long"], "ann") == [b"v"]


async def _all_fields_read(client: Redis) -> int:
    """How often all fields of some hash were read."""
    told = await client.info("commandstats")
    return int(told.get("cmdstat_hgetall", {"calls": 0})["calls"])


async def test_each_feed_of_a_batch_is_announced(
    redis_settings: RedisSettings, client: Redis, store: RedisStore
) -> None:
    async with client.pubsub() as listener:
        await listener.subscribe(f"{redis_settings.prefix}feeds")
        await listener.get_message(timeout=5)
        await store.commit(batch(feeds={"u1": b"f", "ü2": b"f"}), "w")
        heard = [await listener.get_message(ignore_subscribe_messages=True, timeout=5) for _ in range(2)]
    assert [message["data"].decode() for message in heard if message] == ["u1", "ü2"]


async def test_a_server_that_lost_its_scripts_gets_them_again(client: Redis, store: RedisStore) -> None:
    assert await store.intern(["a"]) == [0]
    await client.script_flush()
    assert await store.intern(["b"]) == [1]


async def test_a_refusal_is_an_error_that_names_it(
    redis_settings: RedisSettings, client: Redis, store: RedisStore
) -> None:
    await client.set(f"{redis_settings.prefix}ledger", "not a stream")
    with pytest.raises(StoreError, match="WRONGTYPE"):
        await store.commit(batch({"c-0": -1}, {"c-0": 1}, {"u": b"s"}, ledger=b"e"), "w")
    assert (await store.load(["u"], ["c-0"]))[:2] == ([None], {"c-0": -1})


async def test_a_refusal_does_not_cost_the_connection(
    redis_settings: RedisSettings, client: Redis, store: RedisStore
) -> None:
    await client.set(f"{redis_settings.prefix}ledger", "not a stream")
    await asyncio.gather(store.active_model(), store.feed("u"))  # both ways to the server are open
    connected = (await client.info("stats"))["total_connections_received"]
    for _ in range(5):
        with pytest.raises(StoreError, match="WRONGTYPE"):
            await store.read_ledger(START, 1)  # the refused command is the first of two
        assert await store.states(["u"]) == [None]
    assert (await client.info("stats"))["total_connections_received"] == connected


async def test_a_snapshot_replaced_while_it_is_read_is_read_anew(store: RedisStore, client: Redis) -> None:
    position = await store.commit(batch(ledger=b"e"), "w")
    payloads = [bytes([n]) * (2 * CHUNK_BYTES + n) for n in range(6)]
    await store.save_snapshot(Snapshot(position, "w", START, payloads[0]))

    async def replace() -> None:
        for payload in payloads[1:]:
            await store.save_snapshot(Snapshot(position, "w", START, payload))

    replacing = asyncio.create_task(replace())
    while not replacing.done():
        snapshot = await store.snapshot()
        assert snapshot is not None
        assert snapshot.payload in payloads
    await replacing


async def test_a_snapshot_whose_chunks_are_gone_is_an_error(
    redis_settings: RedisSettings, client: Redis, store: RedisStore
) -> None:
    await store.save_snapshot(Snapshot(START, "w", START, b"payload"))
    (chunk,) = await client.keys(f"{redis_settings.prefix}snapshot:*")
    await client.delete(chunk)
    with pytest.raises(StoreUnavailableError, match="snapshot"):
        await store.snapshot()


async def test_the_chunks_of_the_kept_snapshot_stay_and_the_others_expire(
    redis_settings: RedisSettings, client: Redis, store: RedisStore
) -> None:
    await store.save_snapshot(Snapshot(START, "w", START, b"old"))
    (old,) = await client.keys(f"{redis_settings.prefix}snapshot:*")
    assert await client.pttl(old) == -1
    await store.save_snapshot(Snapshot(START, "w", START, b"new"))
    (new,) = set(await client.keys(f"{redis_settings.prefix}snapshot:*")) - {old}
    assert await client.pttl(new) == -1
    assert await client.pttl(old) > 0


def test_an_url_that_is_none_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"redis\.url"):
        RedisStore(RedisSettings(url="localhost:6379"))


async def test_a_batch_of_several_shards_is_refused(redis_settings: RedisSettings) -> None:
    store = RedisStore(msgspec.structs.replace(patient(redis_settings), shards=SHARDS))
    users = [f"u{n}" for n in range(20)]
    states = dict.fromkeys(users, b"s")
    for several in (
        batch({"c-0": -1}, {"c-0": 1}, states),
        batch({"c-0": -1, "c-1": -1}, {"c-0": 1}),
        batch(states=states, ledger=b"entry"),
    ):
        with pytest.raises(StoreError, match="one of the 4 shards"):
            await store.commit(several, "w")
    assert tuple(await store.load(users, ["c-0", "c-1"]))[:3] == ([None] * 20, {"c-0": -1, "c-1": -1}, [])
    assert await store.commit(batch(states=states, feeds=states, items=states), "w") == ""
    assert await store.states(users) == await store.items(users) == [b"s"] * 20
    assert (await store.read_feeds(users)).feeds == [b"s"] * 20
    await store.close()


async def test_what_a_writer_left_in_its_outbox_comes_first(
    redis_settings: RedisSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It died between its batch and the ledger. Whoever has the partition next brings its entry."""
    settings = msgspec.structs.replace(patient(redis_settings), shards=SHARDS)

    dying, heir, leader = (RedisStore(settings) for _ in range(3))
    await dying.commit(batch({"c-0": -1}, {"c-0": 0}, ledger=b"0"), "w1")
    last = batch({"c-0": 0}, {"c-0": 1}, items={"a": b"r"}, ledger=b"1")._replace(withdrawn={"a": True})
    other = batch({"c-1": -1}, {"c-1": 0}, ledger=b"other")
    with monkeypatch.context() as patch:
        patch.setattr(dying._relay, "bring", die)
        for commit in (last, other):
            with pytest.raises(StoreUnavailableError):
                await dying.commit(commit, "w1")
    assert [entry.payload for entry in await heir.read_ledger(START, 10)] == [b"0"]
    await heir.commit(batch({"c-0": 1}, {"c-0": 2}, ledger=b"2"), "w2")
    assert [(entry.writer, entry.payload) for entry in await heir.read_ledger(START, 10)] == [
        ("w1", b"0"), ("w1", b"1"), ("w2", b"2"),
    ]  # fmt: skip
    assert (await heir.withdrawals("")).changes == {"a": True}
    position = await dying.commit(other, "w1")  # it was not dead after all, and asks again
    entries = await heir.read_ledger(START, 10)
    assert [entry.payload for entry in entries] == [b"0", b"1", b"2", b"other"]
    assert entries[-1].position == position
    with monkeypatch.context() as patch:
        patch.setattr(dying._relay, "bring", die)
        for n, place in ((3, "c-0"), (1, "c-1")):
            with pytest.raises(StoreUnavailableError):
                await dying.commit(batch({place: n - 1}, {place: n}, ledger=place.encode()), "w1")
    assert (await leader.load([], ["c-1"])).progress == {"c-1": 1}
    assert [entry.payload for entry in await heir.read_ledger(START, 10)][4:] == [b"c-1"]
    await leader.save_snapshot(Snapshot(START, "w", START, b"p"))
    assert [entry.payload for entry in await heir.read_ledger(START, 10)][5:] == [b"c-0"]
    for store in (dying, heir, leader):
        await store.close()


async def test_much_that_was_left_in_an_outbox(
    redis_settings: RedisSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "PAGE", 2)
    store = RedisStore(msgspec.structs.replace(patient(redis_settings), shards=SHARDS))
    sent = [await _left(store, n) for n in range(5)]
    await store.commit(batch({"c-0": 4}, {"c-0": 5}, ledger=b"5"), "w")
    payloads = [entry.payload for entry in await store.read_ledger(START, 100)]
    assert payloads == [*sent, b"5"]
    sent += [b"5", *[await _left(store, n) for n in range(6, 11)]]
    others = [RedisStore(msgspec.structs.replace(patient(redis_settings), shards=SHARDS)) for _ in range(4)]
    await asyncio.gather(*(other.load([], ["c-0"]) for other in others))  # all of them bring the same
    assert [entry.payload for entry in await store.read_ledger(START, 100)] == sent
    for each in (store, *others):
        await each.close()


async def _left(store: RedisStore, n: int) -> bytes:
    """Commit a batch whose entry stays in the outbox; what it says."""
    payload = b"%d" % n
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store._relay, "bring", die)
        with pytest.raises(StoreUnavailableError):
            await store.commit(batch({"c-0": n - 1}, {"c-0": n}, ledger=payload), "w")
    return payload


async def die(*_: object) -> str:
    raise StoreUnavailableError("died")


async def test_an_outbox_keeps_what_may_be_asked_for_and_no_more(
    redis_settings: RedisSettings, client: Redis
) -> None:
    settings = msgspec.structs.replace(patient(redis_settings), shards=SHARDS, ledger_margin_ms=1)
    store = RedisStore(settings)
    for n in range(6):
        await store.commit(batch({"c-0": n - 1}, {"c-0": n}, ledger=b"%d" % n), "w")
        await asyncio.sleep(0.01)
    assert len(await store.read_ledger(START, 10)) == 6
    assert 1 <= await client.xlen(f"{redis_settings.prefix}{{0}}:outbox") <= 3
    await store.close()


async def test_another_number_of_shards_is_refused(redis_settings: RedisSettings) -> None:
    four, two, one = (
        RedisStore(msgspec.structs.replace(patient(redis_settings), shards=shards)) for shards in (4, 2, 1)
    )
    assert await two.feed("u") is None, "reading leaves no mark"
    await four.commit(batch({"c-0": -1}, {"c-0": 0}), "w")
    idle = RedisStore(patient(redis_settings))
    with pytest.raises(StoreUnfitError, match=r"redis\.shards"):
        await idle.condition()
    await idle.close()
    for store in (two, one):
        with pytest.raises(StoreUnfitError, match=r"redis\.shards"):
            await store.load([], ["c-0"])
        with pytest.raises(StoreUnfitError, match=r"redis\.shards"):
            await store.commit(batch(states={"u": b"s"}), "w")
    for store in (four, two, one):
        await store.close()


async def test_data_of_one_shard_is_not_overlooked(redis_settings: RedisSettings) -> None:
    one, four = (
        RedisStore(msgspec.structs.replace(patient(redis_settings), shards=shards)) for shards in (1, 4)
    )
    await one.commit(batch({"c-0": -1}, {"c-0": 0}), "w")
    with pytest.raises(StoreUnfitError, match="has one shard"):
        await four.load([], ["c-0"])
    for store in (one, four):
        await store.close()


def test_a_cluster_needs_shards_or_a_tag(redis_settings: RedisSettings) -> None:
    with pytest.raises(SettingsError, match=r"redis\.shards.*hash"):
        RedisStore(RedisSettings(cluster=True))
    with pytest.raises(SettingsError, match=r"redis\.url"):
        RedisStore(RedisSettings(url="redis://127.0.0.1:6379/3", cluster=True, shards=4))


async def test_a_node_of_a_cluster_is_not_taken_for_a_server(
    valkey_cluster: ValkeyCluster, prefix: str
) -> None:
    store = RedisStore(RedisSettings(url=valkey_cluster.url, prefix=prefix))
    with pytest.raises(StoreUnavailableError, match=r"redis\.cluster"):
        await asyncio.gather(*(store.feed(str(user)) for user in range(20)))
    await store.close()


async def test_a_server_is_not_taken_for_a_cluster(redis_settings: RedisSettings) -> None:
    store = RedisStore(msgspec.structs.replace(patient(redis_settings), cluster=True, shards=4))
    with pytest.raises(StoreUnavailableError, match=r"[Cc]luster"):
        await store.feed("u")
    await store.close()


@pytest.mark.parametrize(
    "cursor", ["x", "0", "1.0", "0.", ".5", "-1.0", f"0.{2**64}", "0.1.2", "٣.٣", " 0.1"]
)
async def test_a_cursor_that_no_page_named_is_refused(store: RedisStore, cursor: str) -> None:
    with pytest.raises(CursorError, match="expected one that a page of users named"):
        await store.users(cursor, 5)


async def test_few_users_among_many_other_keys_are_found(store: RedisStore) -> None:
    await store.commit(batch(items={f"i{n}": b"r" for n in range(3_000)}), "w")
    await store.commit(batch(states={"u": b"s"}), "w")
    met, cursor, pages = list[str](), "", 0
    while not pages or cursor:
        page = await store.users(cursor, 1)
        met, cursor, pages = met + page.users, page.cursor, pages + 1
    assert set(met) == {"u"}
    assert pages < 10


async def test_the_model_of_an_older_build_is_the_first_of_the_activations(
    redis_settings: RedisSettings, client: Redis, store: RedisStore
) -> None:
    await client.set(f"{redis_settings.prefix}model", "old")
    assert await store.activations() == [(0, "old")]
    await store.activate("new")
    assert [each.model for each in await store.activations()] == ["new", "old"]
