"""Dead letters read again, by people and for a replay.

What was replayed is remembered in Kafka, as a consumer group's offset on the topic: everything before it is
done. Letters after it that were replayed too (a replay may choose by reason) stand in the offset's metadata.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Container
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, OffsetAndMetadata, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError, KafkaError

from model.errors import BrokerUnavailableError, DataError
from streams.events.schema import DEAD_LETTERS, EVENT_TOPICS
from streams.kafka.dead_letters import CUT, MAX_REQUEST_BYTES, NO_KEY, NO_VALUE, VERSION
from streams.kafka.message import UNDECODABLE
from streams.kafka.topics import client_id, topic_name
from streams.settings.sections import KafkaSettings
from streams.state.stored_format import NEIGHBOURS, check_version

METADATA_MAX_BYTES = 4_000  # brokers take 4,096
CHUNK = 200
FIRST_GROUP_S = 10.0
POLL_MS = 500


class StoredLetter(NamedTuple):
    """A dead letter as it lies on the topic; `topic` is the full name of the one it came from."""

    position: int
    topic: str
    partition: int
    offset: int
    reason: str
    why: str
    time_ms: int
    key: bytes | None
    value: bytes | None
    replayed: bool
    whole: bool = True
    """Whether `key` and `value` are those of a record, and all of it."""


class Replayed(NamedTuple):
    """What a replay did. Left out: `foreign` letters, of topics that are none of this deployment's, and those
    that are no whole record.
    """

    sent: Counter[str]
    foreign: int
    parts: int = 0


class _Done(NamedTuple):
    """Every letter before `before`, and those at `after`."""

    before: int
    after: frozenset[int]

    def __contains__(self, position: object) -> bool:
        return isinstance(position, int) and (position < self.before or position in self.after)

    def with_(self, positions: set[int]) -> _Done:
        """These are done too."""
        before, after = self.before, set(self.after | positions)
        while before in after:
            after.discard(before)
            before += 1
        return _Done(before, frozenset(position for position in after if position > before))


def pack_done(positions: frozenset[int]) -> str:
    """Positions as ranges.

    >>> pack_done(frozenset({4, 5, 6, 9}))
    '4-6,9'
    """
    ranges: list[list[int]] = []
    for position in sorted(positions):
        if ranges and ranges[-1][1] == position - 1:
            ranges[-1][1] = position
        else:
            ranges.append([position, position])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)


def unpack_done(text: str) -> frozenset[int]:
    """The positions that `pack_done` packed.

    >>> sorted(unpack_done("4-6,9"))
    [4, 5, 6, 9]
    """
    positions: set[int] = set()
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        positions.update(range(int(first), int(last or first) + 1))
    return frozenset(positions)


async def read_letters(settings: KafkaSettings, reason: str = "") -> list[StoredLetter]:
    """All dead letters that are still in Kafka, oldest first; those of one reason, if one is named."""
    async with _box(settings) as (consumer, place):
        done = await _done(settings, place)
        return [letter async for letter in _letters(consumer, place, done, reason)]


async def replay_letters(settings: KafkaSettings, reason: str = "", limit: int = 0) -> Replayed:
    """Send letters that were not replayed yet back to where they came from, with their bytes and their key.

    A letter that fails again becomes a new one. `limit` 0: all.
    """
    sent: Counter[str] = Counter()
    foreign = parts = 0
    own = {topic_name(settings, topic) for topic in EVENT_TOPICS}
    async with _box(settings) as (consumer, place), _producer(settings) as producer:
        done = await _done(settings, place)
        letters = [letter async for letter in _letters(consumer, place, done, reason) if not letter.replayed]
        for start in range(0, len(letters[: limit or None]), CHUNK):
            chunk = letters[start : min(start + CHUNK, limit or len(letters))]
            acks = []
            for letter in chunk:
                if letter.topic not in own:
                    foreign += 1
                elif not letter.whole:
                    parts += 1
                else:
                    value = b"" if letter.value is None and letter.key is None else letter.value
                    acks.append(await producer.send(letter.topic, value, letter.key))
                    sent[letter.reason] += 1
            await asyncio.gather(*acks)
            done = done.with_({letter.position for letter in chunk})
            await _remember(consumer, place, done)
    return Replayed(sent, foreign, parts)


@asynccontextmanager
async def _box(settings: KafkaSettings) -> AsyncIterator[tuple[Any, TopicPartition]]:
    place = TopicPartition(topic_name(settings, DEAD_LETTERS), 0)
    consumer = AIOKafkaConsumer(
        client_id=client_id(settings, "dead-letter-box"),
        bootstrap_servers=settings.bootstrap,
        group_id=_group(settings),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        request_timeout_ms=settings.request_timeout_ms,
    )
    try:
        await consumer.start()
        consumer.assign([place])
        yield consumer, place
    except (KafkaError, OSError, TimeoutError) as error:
        raise BrokerUnavailableError(
            f"the dead letters at {settings.bootstrap} can't be read ({type(error).__name__}: {error});"
            " check that Kafka runs, then try again"
        ) from error
    finally:
        await consumer.stop()


@asynccontextmanager
async def _producer(settings: KafkaSettings) -> AsyncIterator[Any]:
    producer = AIOKafkaProducer(
        client_id=client_id(settings, "dead-letter-box"),
        bootstrap_servers=settings.bootstrap,
        acks="all",
        enable_idempotence=True,
        max_request_size=MAX_REQUEST_BYTES,
        request_timeout_ms=settings.request_timeout_ms,
    )
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def _letters(
    consumer: Any, place: TopicPartition, done: _Done, reason: str
) -> AsyncIterator[StoredLetter]:
    """The letters that are there now; those that come meanwhile are left for the next time."""
    start = (await consumer.beginning_offsets([place]))[place]
    end = (await consumer.end_offsets([place]))[place]
    consumer.seek(place, start)
    while await consumer.position(place) < end:
        for record in (await consumer.getmany(place, timeout_ms=POLL_MS)).get(place, []):
            letter = stored_letter(record, done)
            if record.offset < end and (not reason or letter.reason == reason):
                yield letter


def stored_letter(record: Any, done: Container[object]) -> StoredLetter:
    """A record of the topic as a letter; `done`: the positions of those that were replayed."""
    found = {name: value or b"" for name, value in record.headers}
    version = _number(found.get("version", b""), VERSION)
    if VERSION < version <= VERSION + NEIGHBOURS:  # anything may be on the topic
        check_version("dead letter", version, VERSION)
    reason = found.get("reason", b"").decode(errors="replace")
    return StoredLetter(
        position=record.offset,
        topic=found.get("topic", b"").decode(errors="replace"),
        partition=_number(found.get("partition", b""), -1),
        offset=_number(found.get("offset", b""), -1),
        reason=reason,
        why=found.get("message", b"").decode(errors="replace"),
        time_ms=_number(found.get("time", b""), 0),
        key=None if NO_KEY in found else found.get("key"),
        value=None if NO_VALUE in found else record.value,
        replayed=record.offset in done,
        whole=CUT not in found and reason != UNDECODABLE,
    )


def _number(digits: bytes, otherwise: int) -> int:
    """What a worker wrote; anything may be on the topic."""
    return int(digits) if digits.isdigit() and len(digits) < 20 else otherwise


async def _done(settings: KafkaSettings, place: TopicPartition) -> _Done:
    """What was replayed before. (A consumer shows the offset, but not its metadata.)"""
    admin = AIOKafkaAdminClient(
        client_id=client_id(settings, "dead-letter-box"),
        bootstrap_servers=settings.bootstrap,
        request_timeout_ms=settings.request_timeout_ms,
    )
    try:
        await admin.start()
        offsets = await _offsets(admin, _group(settings), place)
    finally:
        await admin.close()
    found = offsets.get(place)
    if found is None or found.offset < 0:
        return _Done(0, frozenset())
    return _Done(found.offset, unpack_done(found.metadata))


async def _offsets(admin: AIOKafkaAdminClient, group: str, place: TopicPartition) -> Any:
    """A cluster makes the topic of its groups when it is first asked for one."""
    until_s = time.monotonic() + FIRST_GROUP_S
    while True:
        try:
            return await admin.list_consumer_group_offsets(group, partitions=[place])
        except GroupCoordinatorNotAvailableError:
            if time.monotonic() > until_s:
                raise
            await asyncio.sleep(FIRST_GROUP_S / 50)


def _group(settings: KafkaSettings) -> str:
    return topic_name(settings, "dead-letters-replay")


async def _remember(consumer: Any, place: TopicPartition, done: _Done) -> None:
    metadata = pack_done(done.after)
    if len(metadata) > METADATA_MAX_BYTES:
        raise DataError(
            "the replayed letters lie too scattered to be remembered (they were sent);"
            " replay without --reason"
        )
    await consumer.commit({place: OffsetAndMetadata(done.before, metadata)})
