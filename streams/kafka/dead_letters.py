"""Messages that a worker can't read or apply go to a topic of their own, unchanged, with the reason."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from model.errors import BrokerUnavailableError
from streams.events.schema import DEAD_LETTERS
from streams.kafka.message import Message
from streams.kafka.topics import client_id, topic_name
from streams.settings.connections import KafkaSettings

log = logging.getLogger(__name__)

MESSAGE_MAX = 1_000  # characters of an explanation
MAX_REQUEST_BYTES = 4 * 1024 * 1024
VERSION = 1
"""The version of a letter's headers; letters of older builds don't name it."""
NO_KEY = "no-key"
"""The header that marks a missing key, as opposed to an empty one."""
NO_VALUE = "no-value"
"""The same for a value: the client can't send a record without key and value."""
CUT = "cut"
"""The header of a letter that the topic did not take whole: how many bytes the whole value has."""
CUT_BYTES = 64 * 1024
GROUP_BYTES = 4 * 1024 * 1024


class DeadLetter(NamedTuple):
    """`message` as it came; `reason` is a code, `why` explains it; `time_ms`: when the worker gave it up."""

    message: Message
    reason: str
    why: str
    time_ms: int


def dead_letter(message: Message, reason: str, error: Exception, now_ms: int) -> DeadLetter:
    """A letter for a message that the worker could not apply; logs it too."""
    log.error("dead letter %s at %s:%d: %r", reason, message.place, message.offset, error, exc_info=error)
    return DeadLetter(message, reason, f"{type(error).__name__}: {error}", now_ms)


def _name(letter: DeadLetter) -> tuple[str, int]:
    return letter.message.place, letter.message.offset


class DeadLetters(Protocol):
    """Takes dead letters; `send` returns once they are stored, or raises `BrokerUnavailableError`."""

    async def send(self, letters: Sequence[DeadLetter]) -> None: ...

    async def stop(self) -> None: ...


def headers(letter: DeadLetter, original_topic: str) -> list[tuple[str, bytes]]:
    """The Kafka headers of a letter: the message's origin and the reason."""
    message = letter.message
    return [
        ("topic", original_topic.encode()),
        ("partition", b"%d" % message.partition),
        ("offset", b"%d" % message.offset),
        ("reason", letter.reason.encode()),
        ("message", letter.why[:MESSAGE_MAX].encode(errors="replace")),
        ("key", message.key) if message.key is not None else (NO_KEY, b""),
        ("time", b"%d" % letter.time_ms),
        ("version", b"%d" % VERSION),
        *([(NO_VALUE, b"")] if message.value is None else []),
    ]


def cut(message: Message) -> Message:
    """As much of a message as any topic takes; the rest stays on the message's own topic."""
    key, value = message.key, message.value
    return message._replace(
        key=None if key is None else key[:MESSAGE_MAX], value=None if value is None else value[:CUT_BYTES]
    )


def _groups(letters: Sequence[DeadLetter]) -> Iterator[list[DeadLetter]]:
    """Groups of letters to send at once, in order; a group of large letters is small."""
    group: list[DeadLetter] = []
    size = 0
    for letter in letters:
        size += len(letter.message.value or b"")
        if group and size > GROUP_BYTES:
            yield group
            group, size = [], len(letter.message.value or b"")
        group.append(letter)
    if group:
        yield group


class KafkaDeadLetters:
    """Connects when the first letter comes, and anew after each failure."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._topic = topic_name(settings, DEAD_LETTERS)
        self._producer: Any = None
        self._sent: set[tuple[str, int]] = set()
        self._large: set[tuple[str, int]] = set()

    async def send(self, letters: Sequence[DeadLetter]) -> None:
        timeout_s = self._settings.request_timeout_ms / 1_000
        try:
            for group in _groups(letters):
                async with asyncio.timeout(timeout_s):
                    await self._send_all(group)
        except (KafkaError, OSError, TimeoutError) as error:
            await self.stop()
            raise BrokerUnavailableError(
                f"{self._settings.bootstrap} did not acknowledge {len(letters)} dead letters within"
                f" {timeout_s:g} s ({type(error).__name__}: {error}); the worker sends them again"
            ) from error
        self._sent.clear()
        self._large.clear()

    async def _send_all(self, letters: Sequence[DeadLetter]) -> None:
        """Send the letters that the last try did not send; of a letter that is too large, send a part."""
        while waiting := [letter for letter in letters if _name(letter) not in self._sent]:
            producer = await self._connected()
            outcomes = await asyncio.gather(
                *[self._send(producer, letter) for letter in waiting], return_exceptions=True
            )
            refused = {
                _name(letter)
                for letter, outcome in zip(waiting, outcomes, strict=True)
                if isinstance(outcome, MessageSizeTooLargeError)
            }
            if refused <= self._large:
                for outcome in outcomes:
                    if outcome is not None:
                        raise outcome
            else:
                self._large |= refused
                # The broker misses the numbers of the refused batch, and takes no more from this producer.
                await self.stop()

    async def _send(self, producer: Any, letter: DeadLetter) -> None:
        message, topic, marks = letter.message, topic_name(self._settings, letter.message.topic), []
        if _name(letter) in self._large:
            size, message = len(message.value or b""), cut(message)
            log.warning("cutting dead letter %s:%d: it has %d bytes", message.place, message.offset, size)
            marks = [(CUT, b"%d" % size)]
        marks = headers(letter._replace(message=message), topic) + marks
        await producer.send_and_wait(self._topic, message.value or b"", message.key, headers=marks)
        self._sent.add(_name(letter))

    async def _connected(self) -> Any:
        if self._producer is None:
            producer = AIOKafkaProducer(
                client_id=client_id(self._settings, "dead-letters"),
                bootstrap_servers=self._settings.bootstrap,
                acks="all",
                enable_idempotence=True,
                max_request_size=MAX_REQUEST_BYTES,
                request_timeout_ms=self._settings.request_timeout_ms,
            )
            try:
                await producer.start()
            except BaseException:
                await producer.stop()
                raise
            self._producer = producer
        return self._producer

    async def stop(self) -> None:
        """Close the connection, within a second."""
        producer, self._producer = self._producer, None
        if producer is not None:
            stopping = asyncio.ensure_future(producer.stop())
            await asyncio.wait([stopping], timeout=1.0)
            stopping.cancel()
