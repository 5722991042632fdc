"""The gateway against the real Kafka and the real Valkey, which freeze, die and come back under it."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from aiokafka import AIOKafkaConsumer

from streams.events.schema import AnyEvent, Click, EventLimits, Impression, Item, decode, encode
from streams.kafka.topics import ACCEPTED_HEADER
from streams.local.kafka import KafkaServer
from streams.local.valkey import ValkeyServer
from streams.ranking import slate as stored_slate
from streams.settings.connections import RedisSettings
from streams.state import user_state_codec
from streams.state.consumed import EVERY_ACTION, NOTHING
from streams.state.user_state import ACTION_CODE, UserState
from streams.stores.commit import Commit
from streams.stores.redis.store import RedisStore
from tests.connected.gateway_process import IMPATIENT_MS, ROOT, Gateway, gateway
from tests.freezing import frozen

_numbers = itertools.count()


def click(user: str = "u", item: str = "i") -> dict[str, Any]:
    return {
        "type": "click",
        "event_id": f"e{next(_numbers)}",
        "ts": now_ms(),
        "user_id": user,
        "item_id": item,
    }


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def until(what: Callable[[], bool], deadline_s: float = 240.0) -> None:
    """Wait until it is so; a test that waits in vain fails."""
    end = time.monotonic() + deadline_s
    while not what():
        assert time.monotonic() < end, f"waited {deadline_s} s in vain"
        time.sleep(0.05)


def is_ready(client: httpx.Client) -> bool:
    return client.get("/readyz").status_code == 200


def read_topic(bootstrap: str, topic: str) -> list[Any]:
    """Every record of a topic, partition by partition."""

    async def read() -> list[Any]:
        consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
        await consumer.start()
        try:
            partitions = consumer.assignment()
            assert partitions, f"{topic} is not there"
            ends = await consumer.end_offsets(partitions)
            records: list[Any] = []
            async with asyncio.timeout(30):
                while len(records) < sum(ends.values()):
                    for batch in (await consumer.getmany(timeout_ms=200)).values():
                        records += batch
            return records
        finally:
            await consumer.stop()

    return asyncio.run(read())


def events_of(records: list[Any]) -> list[AnyEvent]:
    return [decode(record.value, now_ms(), EventLimits()) for record in records]


def slate(user: str) -> stored_slate.Slate:
    items = [
        stored_slate.SlateItem(f"i{k}", 1.0 / (k + 1), "popular", stored_slate.Reason("popular"))
        for k in range(20)
    ]
    return stored_slate.Slate("s1", user, now_ms(), items, model="m1", rung="full", arm="b")


def put_feed(settings: RedisSettings, user: str) -> None:
    async def put() -> None:
        store = RedisStore(settings)
        await store.put_feed(user, stored_slate.encode(slate(user)))
        await store.close()

    asyncio.run(put())


@pytest.fixture
def running(tmp_path: Path, kafka_bootstrap: str, valkey_url: str, prefix: str) -> Iterator[Gateway]:
    with gateway(tmp_path, kafka_bootstrap, valkey_url, prefix) as process:
        until(lambda: is_ready(process.client))
        yield process


def test_accepted_means_in_kafka(running: Gateway, kafka_bootstrap: str, prefix: str) -> None:
    before_ms = now_ms()
    clicks = [click(user=f"u{k % 7}") for k in range(50)]
    review = {**click(user="u3"), "type": "review", "rating": 5}
    answers = [running.client.post("/v1/events", json=event) for event in clicks[:10]]
    answers.append(running.client.post("/v1/events", json=[*clicks[10:], review]))
    answers.append(running.client.put("/v1/items", json={"item_id": "i", "title": "Pad"}))
    assert {answer.status_code for answer in answers} == {202}

    records = read_topic(kafka_bootstrap, f"{prefix}clicks")
    assert sorted(event.event_id for event in events_of(records)) == sorted(e["event_id"] for e in clicks)
    for record in records:
        headers = dict(record.headers)
        assert before_ms <= float(headers[ACCEPTED_HEADER]) <= now_ms()
        assert record.key.decode() == events_of([record])[0].user_id  # type: ignore[union-attr]
    partition_of = {record.key: record.partition for record in records}
    (reviewed,) = read_topic(kafka_bootstrap, f"{prefix}reviews")
    assert reviewed.partition == partition_of[b"u3"], "topics are co-partitioned by user"
    (item,) = read_topic(kafka_bootstrap, f"{prefix}items")
    assert item.key == b"i"


def test_a_users_events_keep_their_order(running: Gateway, kafka_bootstrap: str, prefix: str) -> None:
    sent = [click(user="same", item=f"i{k}") for k in range(300)]
    running.client.post("/v1/events", json=sent[:150])
    for event in sent[150:160]:
        running.client.post("/v1/events", json=event)
    running.client.post("/v1/events", json=sent[160:])
    events = events_of(read_topic(kafka_bootstrap, f"{prefix}clicks"))
    assert [event.event_id for event in events] == [event["event_id"] for event in sent]


def test_a_served_feed_is_an_impression(
    running: Gateway, kafka_bootstrap: str, prefix: str, redis_settings: RedisSettings
) -> None:
    put_feed(redis_settings, "u")
    put_feed(redis_settings, "")
    own = running.client.get("/v1/users/u/feed", params={"n": 3}).json()
    assert [item["item_id"] for item in own["items"]] == ["i0", "i1", "i2"]
    assert running.client.get("/v1/users/u/feed", params={"impression": "false"}).json()["slate_id"] == "s1"
    popular = running.client.get("/v1/users/stranger/feed").json()
    assert popular["rung"] == "popular"
    # It ends within its deadline, and has written the impressions by then.
    os.kill(running.process.pid, signal.SIGTERM)
    assert running.process.wait(20)
    assert running.process.returncode == 0, running.log()
    shown = {
        event.event_id: event for event in events_of(read_topic(kafka_bootstrap, f"{prefix}impressions"))
    }
    assert {
        (event.user_id, event.slate_id, tuple(event.items))
        for event in shown.values()
        if isinstance(event, Impression)
    } == {
        ("u", "s1", ("i0", "i1", "i2")),
        ("stranger", popular["slate_id"], tuple(item["item_id"] for item in popular["items"])),
    }


def test_a_feed_loses_what_was_withdrawn_and_is_filled_up(
    running: Gateway, redis_settings: RedisSettings
) -> None:
    """The store as workers leave it; u has met p1, which stands in row 1."""
    items = [
        stored_slate.SlateItem(f"p{k}", 0.0, "popular", stored_slate.Reason("popular")) for k in range(4)
    ]
    popular = stored_slate.PopularFeed("s0", "", now_ms(), items, "", "popular", rows=[0, 1, 2, 3])
    state = UserState(consumed=NOTHING.add(1, ACTION_CODE["click"], EVERY_ACTION, 1_000))
    own = msgspec.structs.replace(slate("u"), items=slate("u").items[:3])
    feeds = {"u": stored_slate.encode(own), "": stored_slate.encode(popular)}

    def write(withdrawn: dict[str, bool]) -> None:
        async def commit() -> None:
            store = RedisStore(redis_settings)
            states = {"u": user_state_codec.encode(state)}
            records = dict.fromkeys(withdrawn, b"record")
            await store.commit(Commit({}, {}, states, feeds, records, withdrawn=withdrawn), "worker")
            await store.close()

        asyncio.run(commit())

    def shown() -> list[tuple[str, str]]:
        answer = running.client.get("/v1/users/u/feed", params={"n": 5, "impression": "false"})
        return [(item["item_id"], item["feed"]) for item in answer.json()["items"]]

    write({})
    own_ones = [("i0", "own"), ("i1", "own"), ("i2", "own")]
    assert shown() == [*own_ones, ("p0", "popular"), ("p2", "popular")]
    write({"i1": True, "p0": True})
    assert shown() == [own_ones[0], own_ones[2], ("p2", "popular"), ("p3", "popular")]
    write({"i1": False})
    assert shown() == [*own_ones, ("p2", "popular"), ("p3", "popular")]


def test_the_example_runs(running: Gateway, kafka_bootstrap: str, prefix: str) -> None:
    example = ROOT / "examples" / "send_events.py"
    command = [sys.executable, str(example), "--gateway", str(running.client.base_url)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "ana: rung empty" in ended.stdout, "no worker runs here"
    assert len(read_topic(kafka_bootstrap, f"{prefix}items")) == 5
    assert len(read_topic(kafka_bootstrap, f"{prefix}clicks")) == 10
    assert len(read_topic(kafka_bootstrap, f"{prefix}reviews")) == 1


def test_a_frozen_valkey_is_503_and_heals(tmp_path: Path, kafka_bootstrap: str, prefix: str) -> None:
    valkey = ValkeyServer.start(tmp_path / "valkey", keep=True)
    try:
        with gateway(tmp_path, kafka_bootstrap, valkey.url, prefix, IMPATIENT_MS) as running:
            client = running.client
            put_feed(RedisSettings(url=valkey.url, prefix=prefix), "u")
            assert client.get("/v1/users/u/feed").json()["slate_id"] == "s1"
            with frozen(valkey.process.pid):
                assert_unavailable(client, lambda: client.get("/v1/users/u/feed"), "store")
                assert client.get("/healthz").status_code == 200
                assert client.post("/v1/events", json=click()).status_code == 202
            until(lambda: client.get("/v1/users/u/feed").status_code == 200)
            os.kill(valkey.process.pid, signal.SIGKILL)
            valkey.process.wait(60)
            assert_unavailable(client, lambda: client.get("/v1/users/u/feed"), "store")
            valkey = restarted_valkey(tmp_path / "valkey", valkey)
            until(lambda: client.get("/v1/users/u/feed").status_code == 200)
            assert is_ready(client)
    finally:
        valkey.stop()


def test_a_frozen_or_killed_kafka_is_503_heals_and_loses_nothing(
    tmp_path: Path, valkey_url: str, prefix: str
) -> None:
    kafka = KafkaServer.start(tmp_path / "kafka")
    try:
        with gateway(tmp_path, kafka.bootstrap, valkey_url, prefix, IMPATIENT_MS) as running:
            client = running.client
            until(lambda: is_ready(client))
            accepted: list[str] = []

            def send() -> httpx.Response:
                event = click()
                answer = client.post("/v1/events", json=event)
                if answer.status_code == 202:
                    accepted.append(event["event_id"])
                return answer

            assert send().status_code == 202
            with frozen(kafka.process.pid):
                assert_unavailable(client, send, "kafka")
                assert client.get("/healthz").status_code == 200
                # A feed needs no Kafka; its impression waits.
                assert client.get("/v1/users/u/feed").status_code == 200
            until(lambda: send().status_code == 202)

            os.kill(kafka.process.pid, signal.SIGKILL)
            kafka.process.wait(60)
            assert_unavailable(client, send, "kafka")
            kafka = restarted_kafka(tmp_path / "kafka", kafka)
            until(lambda: send().status_code == 202)
            assert all(send().status_code == 202 for _ in range(20))
            assert is_ready(client)
            written = [e.event_id for e in events_of(read_topic(kafka.bootstrap, f"{prefix}clicks"))]
            assert set(accepted) <= set(written), "accepted and not in Kafka"
            assert all(written.count(event_id) == 1 for event_id in accepted)
            assert "ERROR" not in running.log()
    finally:
        kafka.stop()


def test_it_starts_before_kafka_and_finds_it(tmp_path: Path, valkey_url: str, prefix: str) -> None:
    kafka = KafkaServer.start(tmp_path / "kafka")
    kafka.stop()
    try:
        with gateway(tmp_path, kafka.bootstrap, valkey_url, prefix, IMPATIENT_MS) as running:
            client = running.client
            assert_unavailable(client, lambda: client.post("/v1/events", json=click()), "kafka")
            kafka = restarted_kafka(tmp_path / "kafka", kafka)
            until(lambda: is_ready(client))
            event = click()
            assert client.post("/v1/events", json=event).status_code == 202
            (written,) = events_of(read_topic(kafka.bootstrap, f"{prefix}clicks"))
            assert written == Click(**{name: value for name, value in event.items() if name != "type"})
    finally:
        kafka.stop()


def assert_unavailable(client: httpx.Client, ask: Callable[[], httpx.Response], part: str) -> None:
    """503 with Retry-After, in bounded time, and /readyz names the part."""
    began = time.monotonic()
    answer = ask()
    assert time.monotonic() - began < 20
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.json()["reason"] == f"{part}_unavailable"

    def away() -> list[str]:
        ready = client.get("/readyz")
        assert ready.status_code == 503
        return [name for name, state in ready.json()["parts"].items() if not state["ready"]]

    until(lambda: away() == [part])  # on a busy machine the other one, too, may be late for once


def restarted_kafka(folder: Path, old: KafkaServer) -> KafkaServer:
    """The broker on the ports and the data that it had."""
    listeners = re.search(r"^listeners=.*", (folder / "server.properties").read_text(), re.MULTILINE)
    assert listeners is not None
    ports = [int(port) for port in re.findall(r":(\d+)", listeners[0])]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("streams.local.kafka.free_ports", lambda count: ports[:count])
        new = KafkaServer.start(folder, attempts=1)
    assert new.bootstrap == old.bootstrap
    return new


def restarted_valkey(folder: Path, old: ValkeyServer) -> ValkeyServer:
    """The server on the port and the data that it had, once it has loaded them."""
    port = int(re.findall(r":(\d+)", old.url)[0])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("streams.local.valkey.free_ports", lambda count: [port])
        new = ValkeyServer.start(folder, keep=True, deadline_s=240.0, attempts=1)
    assert new.url == old.url
    return new


def test_the_largest_item_goes_through_kafka(running: Gateway, kafka_bootstrap: str, prefix: str) -> None:
    """Every field at its bound, in wide characters, which come as escapes; full vectors at full precision."""
    wide, number = "\U0001f600", -1.2345678901234567e-300
    item: dict[str, Any] = {
        "item_id": wide * 128,
        "title": wide * 256,
        "text": wide * 16_384,
        "categories": [wide * 256] * 64,
        "tags": [wide * 256] * 64,
        "image_vector": [number] * 4_096,
        "audio_vector": [number] * 4_096,
    }
    answer = running.client.put("/v1/items", content=json.dumps([item, {"item_id": "small"}]))
    assert answer.status_code == 202, answer.text
    large = max(events_of(read_topic(kafka_bootstrap, f"{prefix}items")), key=lambda each: len(encode(each)))
    assert isinstance(large, Item)
    assert (large.text, large.audio_vector) == (item["text"], item["audio_vector"])
