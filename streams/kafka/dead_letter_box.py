"""Dead letters: people read them, and a replay sends them back to their topics."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Container
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from model.errors import BrokerUnavailableError, LetterError
from streams.events.schema import DEAD_LETTERS, EVENT_TOPICS
from streams.kafka.dead_letters import CUT, MAX_REQUEST_BYTES, NO_KEY, NO_VALUE, VERSION
from streams.kafka.message import UNDECODABLE
from streams.kafka.replayed_letters import (
    ReplayedPositions,
    read_replayed,
    replay_group,
    write_replayed,
)
from streams.kafka.topics import client_id, topic_name
from streams.settings.connections import KafkaSettings
from streams.state.stored_format import NEIGHBOURS, check_version

CHUNK = 200
POLL_MS = 500
LOOK_BACK = 5_000
"""So many positions are looked through for one page."""


class StoredLetter(NamedTuple):
    """A dead letter as it lies on its topic; `topic` is the full name of the topic it came from."""

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
    """Whether `key` and `value` are a whole record's."""


class ReplayedLetters(NamedTuple):
    """What a replay sent. It leaves out `foreign` letters, whose topics this deployment does not have, and
    `parts`, which are not whole records.
    """

    sent: Counter[str]
    foreign: int
    parts: int = 0


async def read_letters(settings: KafkaSettings, reason: str = "") -> list[StoredLetter]:
    """All dead letters that Kafka still holds, oldest first; with `reason`, only those of that reason."""
    async with _box(settings) as (consumer, place):
        replayed = await read_replayed(settings, place)
        return [letter async for letter in _letters(consumer, place, replayed, reason)]


class LetterPage(NamedTuple):
    """Some letters, the newest first. `before`: where the next page, of older ones, begins; None: nowhere."""

    letters: list[StoredLetter]
    before: int | None


async def read_page(settings: KafkaSettings, before: int | None, most: int, reason: str = "") -> LetterPage:
    """The `most` newest letters that lie before a position on the topic (None: its end). Where `reason` is
    rare, a page may have fewer: it looks through `LOOK_BACK` positions at most.
    """
    async with _box(settings) as (consumer, place):
        replayed = await read_replayed(settings, place)
        begin = (await consumer.beginning_offsets([place]))[place]
        end = (await consumer.end_offsets([place]))[place]
        high = end if before is None else min(before, end)
        found: list[StoredLetter] = []
        stop = max(begin, high - LOOK_BACK)
        while high > stop and len(found) < most:
            low = max(stop, high - max(CHUNK, most))
            part = [each async for each in _between(consumer, place, replayed, low, high, reason)]
            found += reversed(part)
            high = low
        page = found[:most]
        if len(found) > most:
            return LetterPage(page, page[-1].position)
        return LetterPage(page, high if high > begin else None)


async def read_letter(settings: KafkaSettings, position: int) -> StoredLetter | None:
    """The letter at a position of the topic; None where there is none, or none any more."""
    async with _box(settings) as (consumer, place):
        begin = (await consumer.beginning_offsets([place]))[place]
        end = (await consumer.end_offsets([place]))[place]
        if not begin <= position < end:
            return None
        replayed = await read_replayed(settings, place)
        found = [each async for each in _between(consumer, place, replayed, position, position + 1, "")]
        return found[0] if found else None


async def replay_letters(settings: KafkaSettings, reason: str = "", limit: int = 0) -> ReplayedLetters:
    """Send the letters that no replay has sent yet back to their topics, with their bytes and their key.

    A letter whose event fails again becomes a new letter. `limit` 0: all.
    """
    sent: Counter[str] = Counter()
    foreign = parts = 0
    own = {topic_name(settings, topic) for topic in EVENT_TOPICS}
    async with _box(settings) as (consumer, place), _producer(settings) as producer:
        replayed = await read_replayed(settings, place)
        letters: list[StoredLetter] = []
        async for letter in _letters(consumer, place, replayed, reason):
            if not letter.replayed:
                letters.append(letter)
                if len(letters) == limit:  # the topic may hold more than fits into memory
                    break
        for start in range(0, len(letters), CHUNK):
            chunk = letters[start : start + CHUNK]
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
            replayed = replayed.with_({letter.position for letter in chunk})
            await write_replayed(consumer, place, replayed)
    return ReplayedLetters(sent, foreign, parts)


class CorrectedEvent(NamedTuple):
    """What is sent in the place of a letter: the full name of a topic, a key and a value."""

    topic: str
    key: bytes | None
    value: bytes | None


async def replay_letter(
    settings: KafkaSettings, position: int, mended: CorrectedEvent | None = None
) -> StoredLetter:
    """Send one letter back to its topic, or what mends it; it then counts as replayed. The letter as it was.

    Raises `LetterError` where it can't be: it is gone, was replayed, is of another deployment, or is no whole
    record and nothing mends it.
    """
    own = {topic_name(settings, topic) for topic in EVENT_TOPICS}
    async with _box(settings) as (consumer, place):
        begin = (await consumer.beginning_offsets([place]))[place]
        end = (await consumer.end_offsets([place]))[place]
        replayed = await read_replayed(settings, place)
        found: list[StoredLetter] = []
        if begin <= position < end:
            found = [each async for each in _between(consumer, place, replayed, position, position + 1, "")]
        if not found:
            raise LetterError("unknown_letter", f"there is no letter at position {position}")
        (letter,) = found
        if letter.replayed:
            raise LetterError("already_replayed", f"the letter at position {position} was replayed already")
        if mended is None:
            if letter.topic not in own:
                raise LetterError("foreign_letter", f"it came from {letter.topic!r}, of another deployment")
            if not letter.whole:
                raise LetterError("part_of_a_letter", "it holds a part of its record alone")
            value = b"" if letter.value is None and letter.key is None else letter.value
            mended = CorrectedEvent(letter.topic, letter.key, value)
        async with _producer(settings) as producer:
            await producer.send_and_wait(mended.topic, mended.value, mended.key)
        await write_replayed(consumer, place, replayed.with_({position}))
        return letter


@asynccontextmanager
async def _box(settings: KafkaSettings) -> AsyncIterator[tuple[Any, TopicPartition]]:
    place = TopicPartition(topic_name(settings, DEAD_LETTERS), 0)
    consumer = AIOKafkaConsumer(
        client_id=client_id(settings, "dead-letter-box"),
        bootstrap_servers=settings.bootstrap,
        group_id=replay_group(settings),
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
            f"can't read the dead letters at {settings.bootstrap} ({type(error).__name__}: {error});"
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
    consumer: Any, place: TopicPartition, replayed: ReplayedPositions, reason: str
) -> AsyncIterator[StoredLetter]:
    """The letters that are on the topic at the start; later ones wait for the next call."""
    start = (await consumer.beginning_offsets([place]))[place]
    end = (await consumer.end_offsets([place]))[place]
    async for letter in _between(consumer, place, replayed, start, end, reason):
        yield letter


async def _between(
    consumer: Any, place: TopicPartition, replayed: ReplayedPositions, start: int, end: int, reason: str
) -> AsyncIterator[StoredLetter]:
    """The letters from `start` on, before `end`; both lie on the topic."""
    consumer.seek(place, start)
    while await consumer.position(place) < end:
        for record in (await consumer.getmany(place, timeout_ms=POLL_MS)).get(place, []):
            letter = stored_letter(record, replayed)
            if record.offset < end and (not reason or letter.reason == reason):
                yield letter


def stored_letter(record: Any, replayed: Container[object]) -> StoredLetter:
    """A record of the topic as a letter; `replayed`: the positions of those that a replay sent."""
    headers = {name: value or b"" for name, value in record.headers}
    version = _number(headers.get("version", b""), VERSION)
    if VERSION < version <= VERSION + NEIGHBOURS:  # any program may write to the topic
        check_version("dead letter", version, VERSION)
    reason = headers.get("reason", b"").decode(errors="replace")
    return StoredLetter(
        position=record.offset,
        topic=headers.get("topic", b"").decode(errors="replace"),
        partition=_number(headers.get("partition", b""), -1),
        offset=_number(headers.get("offset", b""), -1),
        reason=reason,
        why=headers.get("message", b"").decode(errors="replace"),
        time_ms=_number(headers.get("time", b""), 0),
        key=None if NO_KEY in headers else headers.get("key"),
        value=None if NO_VALUE in headers else record.value,
        replayed=record.offset in replayed,
        whole=CUT not in headers and reason != UNDECODABLE,
    )


def _number(digits: bytes, otherwise: int) -> int:
    """A number of a header, or `otherwise`: any program may write to the topic."""
    return int(digits) if digits.isdigit() and len(digits) < 20 else otherwise
