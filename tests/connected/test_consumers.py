"""What Faust's consumer guarantees with either client: one suite on a real broker."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import msgspec
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete

from streams.kafka.cluster import Cluster
from streams.kafka.topics import ensure_topics, topic_name
from streams.settings.connections import KafkaSettings
from streams.settings.tree import Settings
from tests.connected.events_on_kafka import eventually, producer
from tests.connected.reading_app import CONSUMERS, Reading, reading
from tests.connected.test_odd_records import spoil
from tests.connected.test_odd_records import write as write_raw
from tests.connected.test_offsets_without_events import administered, transactional
from tests.streams.kafka.record_batches import LZ4, batch, record


@pytest.fixture(name="settings")
async def with_topics(settings: Settings) -> Settings:
    """Topics of two partitions each."""
    found = msgspec.structs.replace(settings, kafka=msgspec.structs.replace(settings.kafka, partitions=2))
    await ensure_topics(found.kafka)
    return found


@pytest.fixture(params=CONSUMERS)
async def reader(request: pytest.FixtureRequest, settings: Settings) -> AsyncIterator[Reading]:
    async with reading(settings, request.param) as found:
        yield found


async def write(kafka: KafkaSettings, values: list[bytes], topic: str = "clicks", number: int = 0) -> None:
    async with producer(kafka) as client:
        for value in values:
            await client.send_and_wait(topic_name(kafka, topic), value, partition=number)


async def committed(kafka: KafkaSettings, topic: str, number: int = 0) -> int | None:
    client = AIOKafkaConsumer(
        bootstrap_servers=kafka.bootstrap, group_id=topic_name(kafka, "workers"), enable_auto_commit=False
    )
    await client.start()
    try:
        found: int | None = await client.committed(TopicPartition(topic_name(kafka, topic), number))
    finally:
        await client.stop()
    return found


@pytest.mark.parametrize("codec", [None, "gzip", "snappy", "lz4", "zstd"])
@pytest.mark.parametrize("consumer", CONSUMERS)
async def test_records_come_as_they_were_written(
    settings: Settings, consumer: str, codec: str | None
) -> None:
    kafka = settings.kafka
    client = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, compression_type=codec, linger_ms=50)
    await client.start()
    headers = [("headrace-accepted", b"1"), ("x", b"\xff\0"), ("x", None), ("", b"")]
    name, written_ms = topic_name(kafka, "clicks"), 1_700_000_000_123
    sent = [
        await client.send(name, b"v", b"k", partition=0, timestamp_ms=written_ms, headers=headers),
        await client.send(name, b"", b"", partition=0),
        await client.send(name, None, b"k", partition=0),
        await client.send(name, b"w", None, partition=0),
    ]
    await asyncio.gather(*sent)
    await client.stop()
    async with reading(settings, consumer) as reader:
        await eventually(lambda: len(reader.records) == 4)
        first, empty, no_value, no_key = reader.of("clicks")
        assert (first.key, first.value, list(first.headers)) == (b"k", b"v", headers)
        assert first.timestamp * 1_000 == pytest.approx(written_ms)
        assert (empty.key, empty.value, list(empty.headers)) == (b"", b"", [])
        assert (no_value.key, no_value.value, no_key.key, no_key.value) == (b"k", None, None, b"w")
        assert [record.since for record in reader.records] == [0, 1, 2, 3]


async def test_a_seek_reads_again_and_has_a_number(reader: Reading) -> None:
    await write(reader.kafka, [b"%d" % n for n in range(6)])
    await eventually(lambda: len(reader.records) == 6)
    number = await reader.app.consumer.reread(reader.place("clicks"), 2)
    await eventually(lambda: reader.offsets("clicks") == [0, 1, 2, 3, 4, 5, 2, 3, 4, 5])
    before, again = reader.records[5], reader.records[6]
    assert before.seek < again.seek == number
    assert again.since == 2
    await write(reader.kafka, [b"6"])
    await eventually(lambda: reader.offsets("clicks")[-1] == 6)
    assert reader.records[-1].since == 6


async def test_only_what_is_committed_is_read(reader: Reading) -> None:
    """Nothing lies between two events but markers, what was aborted, and nothing behind the last."""
    kafka, name = reader.kafka, topic_name(reader.kafka, "clicks")
    async with transactional(kafka) as client:
        for turn, commit in enumerate((True, False, True)):
            await client.begin_transaction()
            await client.send_and_wait(name, b"%d" % turn, partition=0)
            await (client.commit_transaction() if commit else client.abort_transaction())
        await eventually(lambda: reader.values("clicks") == [b"0", b"2"])
        first, second = reader.of("clicks")
        assert (first.offset, first.since, second.offset, second.since) == (0, 0, 4, 1)
        place = reader.place("clicks")
        await eventually(lambda: not reader.app.consumer.more_to_come(place, 4))
        await eventually(lambda: reader.log.standings()["clicks-0"].offset == 6)
        assert (await reader.log.ends(["clicks-0"])) == {"clicks-0": 6}

        async def markers_are_committed() -> bool:
            return await committed(kafka, "clicks") == 6

        await eventually(markers_are_committed)
        await client.begin_transaction()
        await client.send_and_wait(name, b"open", partition=0)
        await eventually(lambda: reader.log.standings()["clicks-0"].held_back == 1)
        assert not reader.app.consumer.more_to_come(place, 4)
        await client.commit_transaction()
    await eventually(lambda: reader.values("clicks")[-1] == b"open")
    assert next(reversed(list(reader.of("clicks")))).since == 5


async def deleted(kafka: KafkaSettings, before: int) -> None:
    async with administered(kafka) as admin:
        place = TopicPartition(topic_name(kafka, "clicks"), 0)
        await admin.delete_records({place: RecordsToDelete(before)})


@pytest.mark.parametrize("consumer", CONSUMERS)
async def test_a_log_that_begins_later(settings: Settings, consumer: str) -> None:
    """The reader knows that it has left nothing out; also where more is deleted while it holds back."""
    kafka = settings.kafka
    await write(kafka, [b"%d" % n for n in range(5)])
    await deleted(kafka, 3)
    async with reading(settings, consumer) as reader:
        await eventually(lambda: reader.offsets("clicks") == [3, 4])
        assert reader.records[0].since == 3
        assert await reader.log.earliest("clicks-0") == 3
        await reader.app.consumer.reread(reader.place("clicks"), 0)
        await eventually(lambda: reader.offsets("clicks") == [3, 4, 3, 4], what="from where the log begins")
        assert reader.records[2].since == 3


@pytest.mark.parametrize("consumer", CONSUMERS)
async def test_a_topic_that_was_made_anew_is_read_from_its_begin(settings: Settings, consumer: str) -> None:
    kafka, name = settings.kafka, topic_name(settings.kafka, "clicks")
    await write(kafka, [b"%d" % n for n in range(5)])
    async with reading(settings, consumer) as reader:
        await eventually(lambda: len(reader.records) == 5)
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
        await admin.start()
        try:
            await admin.delete_topics([name])

            async def made() -> bool:
                answer = await admin.create_topics([NewTopic(name, 2, 1)])
                return all(code == 0 for _, code, *_ in answer.topic_errors)

            await eventually(made)
        finally:
            await admin.close()
        await write(kafka, [b"new"])
        cluster = Cluster(kafka)

        def comes() -> bool:
            cluster.look(reader.app.consumer, doubted=True, now_s=time.monotonic())  # as a worker does
            return reader.values("clicks")[-1] == b"new"

        await eventually(comes)
        assert not cluster.missing
        assert reader.offsets("clicks")[-1] == 0


@pytest.mark.parametrize("consumer", CONSUMERS)
async def test_what_cannot_be_decoded_comes_as_bytes(
    settings: Settings, consumer: str, kafka_folder: Path
) -> None:
    """A batch that the disk has spoilt, and names of headers that are no text; nothing else is missing."""
    kafka, name = settings.kafka, topic_name(settings.kafka, "clicks")
    await write(kafka, [b"sound", b"item-spoilt", b"behind"])
    spoil(kafka_folder, name, b"item-spoilt", 0, b"ITEM")
    async with reading(settings, consumer) as reader, producer(kafka) as client:
        odd = [record(0, b"k", b"odd", [(b"\xff\xfe", b"x"), (b"y", None)]), record(1, b"k", b"last")]
        await write_raw(client, TopicPartition(name, 0), batch(0, odd))
        await write_raw(client, TopicPartition(name, 0), batch(0, [record(0, b"k", b"after")], codec=LZ4))
        await eventually(lambda: reader.offsets("clicks") == [0, 1, 2, 3, 4, 5])
        found = reader.records
        assert [each.value for each in found if not each.undecodable] == [
            *(b"sound", b"behind", b"odd", b"last", b"after")
        ]
        assert "its checksum is wrong" in found[1].undecodable
        assert b"ITEM-spoilt" in found[1].value
        assert [content for _, content in found[3].headers] == [b"x", None]
        assert [each.since for each in found] == [0, 1, 2, 3, 4, 5]


async def test_a_partition_that_is_held_back_holds_up_no_other(reader: Reading) -> None:
    """What it has brings nothing more until it is let go; then nothing is missing."""
    consumer, place = reader.app.consumer, reader.place("clicks")
    await write(reader.kafka, [b"%d" % n for n in range(3)])
    await eventually(lambda: len(reader.values("clicks")) == 3)
    consumer.on_buffer_full(place)
    await asyncio.sleep(0.3)
    await write(reader.kafka, [b"%d" % n for n in range(3, 400)])
    await write(reader.kafka, [b"other"], number=1)
    await eventually(lambda: reader.values("clicks", 1) == [b"other"])
    assert len(reader.values("clicks")) == 3
    consumer.on_buffer_drop(place)
    await eventually(lambda: len(reader.values("clicks")) == 400)
    assert reader.offsets("clicks") == list(range(400))


def has(reader: Reading, partitions: int) -> bool:
    """Whether it has so many partitions of each topic."""
    return reader.settled and set(map(len, reader.numbers.values())) == {partitions}


@pytest.mark.parametrize(
    ("one", "other"), [(*CONSUMERS,), (*CONSUMERS[:1], *CONSUMERS[:1]), (*CONSUMERS[1:], *CONSUMERS[1:])]
)
async def test_two_share_the_partitions_by_their_numbers(settings: Settings, one: str, other: str) -> None:
    """Whichever clients they have. What was acknowledged is not read again, what was not is."""
    kafka = settings.kafka
    async with reading(settings, one) as stays:
        assert set(map(tuple, stays.numbers.values())) == {(0, 1)}
        await write(kafka, [b"acknowledged"], number=0)
        await write(kafka, [b"acknowledged"], number=1)
        await eventually(lambda: len(stays.records) == 2)
        stays.acknowledging = False
        await write(kafka, [b"not"], number=0)
        await write(kafka, [b"not"], number=1)
        await eventually(lambda: len(stays.records) == 4)
        async with reading(settings, other) as comes:
            for each in (stays, comes):
                await eventually(partial(has, each, partitions=1))
            (mine,), (theirs,) = (set(map(min, each.numbers.values())) for each in (stays, comes))
            assert {mine, theirs} == {0, 1}
            await eventually(lambda: comes.values("clicks", theirs) == [b"not"])
            await eventually(lambda: stays.values("clicks", mine) == [b"acknowledged", b"not", b"not"])
            for number in (0, 1):
                await write(kafka, [b"shared"], "reviews", number)
            await eventually(lambda: stays.values("reviews", mine) == [b"shared"])
            await eventually(lambda: comes.values("reviews", theirs) == [b"shared"])
            assert not stays.values("reviews", theirs)
        await eventually(partial(has, stays, partitions=2))
        await write(kafka, [b"last"], number=theirs)
        await eventually(lambda: stays.values("clicks", theirs)[-1] == b"last")
