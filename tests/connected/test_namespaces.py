"""Two namespaces on one Kafka and one Redis see nothing of each other."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from redis.asyncio import Redis

from export.registry import Registry
from streams.events.schema import DEAD_LETTERS, EVENT_TOPICS, AnyEvent, Click, Control, Item, Review, encode
from streams.kafka.dead_letter_box import read_letters, replay_letters
from streams.kafka.topics import topic_name
from streams.settings.connections import KafkaSettings, RedisSettings
from streams.settings.tree import Settings
from streams.stores.redis.store import RedisStore
from tests.conftest import patient
from tests.connected.events_on_kafka import eventually, now_ms, producer, send, wait_until_applied
from tests.connected.gateway_process import Gateway, gateway
from tests.connected.models import register_models
from tests.connected.worker_process import WorkerProcess, worker


class Servers:
    """What lies on Kafka and Redis, asked without the code under test."""

    def __init__(self, bootstrap: str, url: str) -> None:
        self.redis = Redis.from_url(url)
        self.admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)

    async def topics(self) -> set[str]:
        return {name for name in await self.admin.list_topics() if not name.startswith("__")}

    async def groups(self) -> set[str]:
        return {str(group[0]) for group in await self.admin.list_consumer_groups()}

    async def keys(self) -> set[str]:
        return {key.decode() async for key in self.redis.scan_iter(count=1_000)}

    async def client_ids(self, group: str) -> set[str]:
        (described,) = await self.admin.describe_consumer_groups([group])
        (found,) = described.to_object()["groups"]
        return {str(member["client_id"]) for member in found["members"]}


@pytest.fixture
async def servers(kafka_bootstrap: str, valkey_url: str) -> AsyncIterator[Servers]:
    servers = Servers(kafka_bootstrap, valkey_url)
    await servers.admin.start()
    yield servers
    await servers.admin.close()
    await servers.redis.aclose()


class Side(NamedTuple):
    """A namespace: its settings, its store, its worker and its gateway."""

    settings: Settings
    store: RedisStore
    worker: WorkerProcess
    gateway: Gateway

    @property
    def name(self) -> str:
        return self.settings.namespace

    @property
    def model(self) -> str:
        return str(self.worker.readiness()["model"]["name"])

    def post(self, events: list[AnyEvent]) -> None:
        answer = self.gateway.client.post("/v1/events", content=b"[%s]" % b",".join(map(encode, events)))
        assert answer.status_code == 202, answer.text

    def feed(self, user: str) -> set[str]:
        items = self.gateway.client.get(f"/v1/users/{user}/feed").json()["items"]
        return {item["item_id"] for item in items}

    async def settled(self) -> None:
        """It leads, and keeps a snapshot."""
        await eventually(lambda: self.gateway.client.get("/readyz").status_code == 200)
        await eventually(lambda: self.worker.metric("headrace_worker_leader") == 1)

        async def kept() -> bool:
            return await self.store.snapshot() is not None

        await eventually(kept)


@pytest.fixture
async def sides(kafka_bootstrap: str, valkey_url: str, tmp_path: Path) -> AsyncIterator[tuple[Side, Side]]:
    """One name begins with the other. They share a registry of models; nothing but the namespace is set."""
    registry: Registry = register_models(tmp_path / "models", ("first", "second"))
    name = f"ns-{uuid.uuid4().hex[:8]}"
    one, two = (
        Settings(
            namespace=each,
            kafka=KafkaSettings(bootstrap=kafka_bootstrap),
            redis=RedisSettings(url=valkey_url),
        )
        for each in (name, f"{name}.b")
    )
    more = {
        "HEADRACE_MODEL__REGISTRY": str(registry.folder),
        "HEADRACE_MODEL__ACTIVE": "first",
        "HEADRACE_WORKER__SNAPSHOT_EVERY_S": "1",
    }
    folder_one, folder_two = tmp_path / "one", tmp_path / "two"
    door = partial(gateway, kafka=kafka_bootstrap, redis=valkey_url, prefix="")
    with (
        worker(folder_one, one.kafka, one.redis, {**more, "HEADRACE_NAMESPACE": one.namespace}) as working,
        worker(folder_two, two.kafka, two.redis, {**more, "HEADRACE_NAMESPACE": two.namespace}) as idle,
        door(folder_one, namespace=one.namespace) as entrance,
        door(folder_two, namespace=two.namespace) as other_entrance,
    ):
        stores = RedisStore(patient(one.redis)), RedisStore(patient(two.redis))
        yield Side(one, stores[0], working, entrance), Side(two, stores[1], idle, other_entrance)
        for store in stores:
            await store.close()


FILMS = [f"film-{n}" for n in range(6)]


def sent() -> list[AnyEvent]:
    ts = now_ms()
    return [
        *(Item(event_id=f"i-{film}", ts=ts, item_id=film, title=f"A {film}") for film in FILMS),
        *(Click(event_id=f"c-{n}", ts=ts, user_id=f"u{n % 2}", item_id=FILMS[n]) for n in range(4)),
        Review(event_id="r", ts=ts, user_id="ann", item_id=FILMS[5], rating=5.0),
    ]


async def test_what_happens_in_one_is_not_seen_in_the_other(
    servers: Servers, sides: tuple[Side, Side]
) -> None:
    busy, quiet = sides
    for side in sides:
        await side.settled()
    busy.post(sent())
    kafka = busy.settings.kafka
    async with producer(kafka) as client:
        order = Control(event_id="o", ts=now_ms(), command="activate_model", model="second")
        await send(client, kafka, [order])
        await wait_until_applied(busy.settings, busy.store)
        await client.send_and_wait(topic_name(kafka, "clicks"), b"no event", b"u0")
    await eventually(lambda: busy.worker.metric("headrace_worker_dead_letters_total") == 1)
    await eventually(lambda: busy.model == "second")
    assert busy.feed("u0") == {FILMS[n] for n in (1, 3, 4, 5)}
    assert sorted(await busy.store.interned(0)) == FILMS
    assert [letter.reason for letter in await read_letters(kafka)] == ["not_json"]

    # The other has heard of nothing.
    for metric in ("events", "ledger_entries_followed", "dead_letters", "fenced_batches", "rebuilds"):
        assert quiet.worker.metric(f"headrace_worker_{metric}_total") == 0, metric
    assert (quiet.model, await quiet.store.active_model()) == ("first", None)
    assert await quiet.store.interned(0) == []
    assert await quiet.store.states(["u0", "u1", "ann"]) == [None] * 3
    assert await read_letters(quiet.settings.kafka) == []
    assert (await replay_letters(quiet.settings.kafka)).sent.total() == 0
    assert quiet.feed("u0") == set()
    assert all(side.worker.metric("headrace_worker_leader") == 1 for side in sides)

    # Each name on the servers says whose it is.
    own = {topic for topic in await servers.topics() if topic.startswith(busy.name)}
    assert own == {f"{side.name}.{topic}" for side in sides for topic in (*EVENT_TOPICS, DEAD_LETTERS)}
    own = {group for group in await servers.groups() if group.startswith(busy.name)}
    assert own == {f"{side.name}.workers" for side in sides}
    for side in sides:
        assert await servers.client_ids(f"{side.name}.workers") == {f"{side.name}.worker"}
    keys = {key.removeprefix(f"{quiet.name}:") for key in await servers.keys() if key.startswith(quiet.name)}
    assert {key.split(":")[0] for key in keys} == {"feed", "lease", "reports", "snapshot"}
    assert {"feed:", "lease:leader"} <= keys

    # It works by itself: the same ids begin anew there.
    click = Click(event_id="c-3", ts=now_ms(), user_id="u1", item_id=FILMS[3])
    before = busy.worker.metric("headrace_worker_events_total", topic="clicks")
    quiet.post([click])
    await wait_until_applied(quiet.settings, quiet.store)
    assert await quiet.store.interned(0) == [FILMS[3]]
    assert busy.worker.metric("headrace_worker_events_total", topic="clicks") == before


async def test_every_name_that_comes_to_the_servers_belongs_to_a_namespace(
    servers: Servers, kafka_bootstrap: str, valkey_url: str, tmp_path: Path
) -> None:
    """Nothing is named apart from it: a key, a topic, or a group."""
    before = await servers.topics(), await servers.groups(), await servers.keys()
    name = f"ns-{uuid.uuid4().hex[:8]}"
    settings = Settings(
        namespace=name, kafka=KafkaSettings(bootstrap=kafka_bootstrap), redis=RedisSettings(url=valkey_url)
    )
    more = {"HEADRACE_NAMESPACE": name, "HEADRACE_WORKER__SNAPSHOT_EVERY_S": "0.5"}
    store = RedisStore(patient(settings.redis))
    with (
        worker(tmp_path, settings.kafka, settings.redis, more) as running,
        gateway(tmp_path, kafka_bootstrap, valkey_url, "", namespace=name) as entrance,
    ):
        side = Side(settings, store, running, entrance)
        await side.settled()
        gone = Item(event_id="gone", ts=now_ms(), item_id=FILMS[0], available=False)
        side.post([*sent(), gone])
        await wait_until_applied(settings, store)
        side.feed("u1")
        async with producer(settings.kafka) as client:
            await client.send_and_wait(topic_name(settings.kafka, "clicks"), b"no event", b"u0")
        await eventually(lambda: running.metric("headrace_worker_dead_letters_total") == 1)
        await replay_letters(settings.kafka)
        now = await servers.topics(), await servers.groups(), await servers.keys()
    await store.close()
    came = [after - earlier for after, earlier in zip(now, before, strict=True)]
    assert all(len(names) > 1 for names in came)
    assert [each for names in came for each in names if not each.startswith((f"{name}.", f"{name}:"))] == []
