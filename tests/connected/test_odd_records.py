"""Records as other producers write them: any codec, header, key and time; and bytes that can't be decoded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.protocol.produce import ProduceRequest

from streams.commands.main import main
from streams.events.schema import Click, encode
from streams.kafka.dead_letter_box import read_letters, replay_letters
from streams.kafka.topics import ensure_topics, topic_name
from streams.settings.connections import KafkaSettings
from streams.settings.tree import Settings
from streams.state import user_state_codec
from streams.stores.redis.store import RedisStore
from tests.connected.events_on_kafka import eventually, now_ms, producer
from tests.connected.worker_process import WorkerProcess, worker
from tests.streams.kafka.record_batches import LZ4, batch, record

HUGE = b"[" + b"7," * 500_000 + b"7]"


def click(name: str) -> bytes:
    return encode(Click(event_id=name, ts=now_ms(), user_id="ann", item_id=f"item-{name}"))


@asynccontextmanager
async def compressing(kafka: KafkaSettings, codec: str) -> AsyncIterator[Any]:
    client = AIOKafkaProducer(
        bootstrap_servers=kafka.bootstrap, compression_type=codec, linger_ms=20, max_request_size=2_000_000
    )
    await client.start()
    try:
        yield client
    finally:
        await client.stop()


async def write(client: Any, place: TopicPartition, raw: bytes) -> None:
    """A batch as it is; the broker checks it, and must take it."""
    await client.client._wait_on_metadata(place.topic)
    node, parts = client.client.cluster.leader_for_partition(place), [(place.partition, raw)]
    response = await client.client.send(node, ProduceRequest(None, -1, 5_000, [(place.topic, parts)]))
    ((_, ((_, error, *_),)),) = response.topics
    assert error == 0, f"the broker refused the batch with code {error}"


async def interactions(store: RedisStore) -> int:
    (raw,) = await store.states(["ann"])
    return user_state_codec.decode(raw).interactions


def written(running: WorkerProcess) -> float:
    return running.metric("headrace_worker_dead_letters_total")


async def test_every_codec_is_read(settings: Settings, store: RedisStore, tmp_path: Path) -> None:
    clicks = topic_name(settings.kafka, "clicks")
    with worker(tmp_path, settings.kafka, settings.redis) as running:
        for codec in ("gzip", "lz4", "snappy", "zstd"):
            async with compressing(settings.kafka, codec) as client:
                acks = [await client.send(clicks, click(f"{codec}-{n}"), b"ann") for n in range(25)]
                await asyncio.gather(*acks)
        await eventually(lambda: running.metric("headrace_worker_events_total", result="applied") == 100)
        assert await interactions(store) == 100
        assert written(running) == 0


async def test_one_odd_record_costs_no_other_one_anything(
    settings: Settings,
    store: RedisStore,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kafka, accepted = settings.kafka, "headrace-accepted"
    clicks = topic_name(kafka, "clicks")
    odd_headers: list[list[tuple[str, bytes | None]]] = [
        [(accepted, None)],
        [(accepted, b"nan"), (accepted, b"\xff")],
        [(accepted, b"1e400"), ("", None), ("x", b"\0"), ("x", None)],
        [(accepted, b"-5")],
    ]
    odd_names = [(b"\xff\xfe", b"x"), (b"headrace-accepted", None)]
    with worker(tmp_path, kafka, settings.redis) as running:
        async with compressing(kafka, "gzip") as client:
            for n, headers in enumerate(odd_headers):  # applied
                sent = await client.send_and_wait(clicks, click(f"h{n}"), b"ann", headers=headers)
            for ts in (1, now_ms() - 60 * 365 * 86_400_000):  # applied
                await client.send_and_wait(clicks, click(f"t{ts}"), b"ann", timestamp_ms=max(ts, 0))
            await client.send_and_wait(clicks, None, b"ann")  # a letter each
            await client.send_and_wait(clicks, b"", b"ann")
            await client.send_and_wait(clicks, click("no key"), None)
            await client.send_and_wait(clicks, click("empty key"), b"")
            await client.send_and_wait(clicks, HUGE, b"ann")
            # Three are applied, and one with neither key nor value is a letter.
            records = [
                record(0, b"ann", click("r0"), since_ms=-(10**13)),
                record(1, b"ann", click("r1"), odd_names),
                record(2, None, None),
                record(3, b"ann", click("r3"), odd_names),
            ]
            place = TopicPartition(clicks, sent.partition)
            await write(client, place, batch(0, records))
            await write(client, place, batch(0, [record(0, b"ann", click("l4"), odd_names)], codec=LZ4))
        await eventually(lambda: written(running) == 6, what="for the letters")
        await eventually(lambda: running.metric("headrace_worker_events_total", result="applied") == 10)
        assert await interactions(store) == 10
        assert running.ready()
        letters = await read_letters(kafka)
        found = [(letter.reason, letter.key, letter.value) for letter in letters]
        for expected in (
            ("not_json", b"ann", None),
            ("not_json", b"ann", b""),
            ("too_large", b"ann", HUGE),
            ("not_json", None, None),
        ):
            assert expected in found
        assert {letter.key for letter in letters if letter.reason == "wrong_key"} == {b"", None}
        assert (await replay_letters(kafka)).sent.total() == 6
        await eventually(lambda: written(running) == 12, what="for the letters of the replay")
    monkeypatch.setenv("HEADRACE_KAFKA__BOOTSTRAP", kafka.bootstrap)
    monkeypatch.setenv("HEADRACE_KAFKA__PREFIX", kafka.prefix)
    assert await asyncio.to_thread(main, ["dead-letters", "list"]) == 0
    assert "12 dead letters" in capsys.readouterr().out


async def three_clicks(kafka: KafkaSettings) -> None:
    """Three batches of one event each in partition 0."""
    async with producer(kafka) as client:
        for name in ("sound", "spoilt", "behind it"):
            await client.send_and_wait(topic_name(kafka, "clicks"), click(name), b"ann", partition=0)


def spoil(folder: Path, topic: str, around: bytes, before: int, bytes_: bytes) -> None:
    """Overwrite bytes on the broker's disk, so far before the only place where `around` is."""
    (log,) = (folder / "data" / f"{topic}-0").glob("*.log")
    raw = log.read_bytes()
    assert raw.count(around) == 1
    with log.open("r+b") as file:
        file.seek(raw.index(around) - before)
        file.write(bytes_)


async def test_what_the_disk_has_spoilt_is_a_letter(
    settings: Settings, store: RedisStore, tmp_path: Path, kafka_folder: Path
) -> None:
    """A batch with a wrong checksum, between two that are sound."""
    kafka = settings.kafka
    clicks = topic_name(kafka, "clicks")
    await ensure_topics(kafka)
    await three_clicks(kafka)
    spoil(kafka_folder, clicks, b"item-spoilt", 0, b"ITEM")
    with worker(tmp_path, kafka, settings.redis) as running:
        await eventually(lambda: written(running) == 1, what="for the letter")
        await eventually(lambda: running.metric("headrace_worker_events_total", result="applied") == 2)
        assert await interactions(store) == 2
        await eventually(lambda: running.metric("headrace_worker_lag_events") == 0)
        (letter,) = await read_letters(kafka)
        assert (letter.reason, letter.offset, letter.partition) == ("undecodable", 1, 0)
        assert "its checksum is wrong" in letter.why
        assert b"ITEM-spoilt" in (letter.value or b"")
        replayed = await replay_letters(kafka)
        assert (replayed.sent.total(), replayed.parts) == (0, 1)


async def test_a_batch_whose_end_is_lost_is_told(
    settings: Settings, tmp_path: Path, kafka_folder: Path
) -> None:
    """Nothing can be read behind it. Either the broker refuses to read on, or the worker does."""
    kafka = settings.kafka
    clicks = topic_name(kafka, "clicks")
    await ensure_topics(kafka)
    await three_clicks(kafka)
    (log,) = (kafka_folder / "data" / f"{clicks}-0").glob("*.log")
    raw = log.read_bytes()
    first = 12 + int.from_bytes(raw[8:12])
    spoil(kafka_folder, clicks, raw[first : first + 61], -8, b"\x7f")  # the length of the second batch
    soon = {"HEADRACE_WORKER__STALLED_AFTER_S": "3"}
    with worker(tmp_path, kafka, settings.redis, soon, wait=False) as running:

        def reported() -> bool:
            reports = ("clicks-0 at offset 1: expected a record batch", "clicks-0 has stood at offset")
            return any(report in running.log() for report in reports)

        await eventually(reported, what=running.log())
        assert running.process.returncode is not None or not running.ready()
