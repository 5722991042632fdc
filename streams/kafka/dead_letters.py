"""What can't be read or applied goes to a topic of its own, as it came, with the reason beside it."""

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
from streams.settings.sections import KafkaSettings

log = logging.getLogger(__name__)

MESSAGE_MAX = 1_000  # characters of an explanation
MAX_REQUEST_BYTES = 4 * 1024 * 1024
VERSION = 1
"""Of a letter's headers; letters of older builds don't name it."""
NO_KEY = "no-key"
"""The header that tells a missing key from an empty one."""
NO_VALUE = "no-value"
"""The same for a value: a record with neither can't be sent by the client."""
CUT = "cut"
"""The header of a letter that the topic would not take whole: how many bytes the value has."""
CUT_BYTES = 64 * 1024
GROUP_BYTES = 4 * 1024 * 1024


class DeadLetter(NamedTuple):
    """`message` as it came; `reason` is a code, `why` says more; `time_ms`: when it was given up."""

    message: Message
    reason: str
    why: str
    time_ms: int


def dead_letter(message: Message, reason: str, error: Exception, now_ms: int) -> DeadLetter:
    """What could not be applied, said in the log too."""
    log.error("dead letter %s at %s:%d: %r", reason, message.place, message.offset, error, exc_info=error)
    return DeadLetter(message, reason, f"{type(error).__name__}: {error}", now_ms)


def _name(letter: DeadLetter) -> tuple[str, int]:
    return letter.message.place, letter.message.offset


class DeadLetters(Protocol):
    """Where dead letters go; `send` returns once they are safe there, else `BrokerUnavailableError`."""

    async def send(self, letters: Sequence[DeadLetter]) -> None: ...

    async def stop(self) -> None: ...


def headers(letter: DeadLetter, original_topic: str) -> list[tuple[str, bytes]]:
    """The Kafka headers of a letter: where it came from and why it is here."""
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
    """As much of a message as any topic takes; the rest stays where it came from."""
    key, value = message.key, message.value
    return message._replace(
        key=None if key is None else key[:MESSAGE_MAX], value=None if value is None else value[:CUT_BYTES]
    )


def _groups(letters: Sequence[DeadLetter]) -> Iterator[list[DeadLetter]]:
    """Letters that are sent at once, in order: few where they are large."""
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
                f"{len(letters)} dead letters were not acknowledged by {self._settings.bootstrap} within"
                f" {timeout_s:g} s ({type(error).__name__}: {error}); they are sent again"
            ) from error
        self._sent.clear()
        self._large.clear()

    async def _send_all(self, letters: Sequence[DeadLetter]) -> None:
        """Send what was not sent at the last try, and as much as is taken of what is too large."""
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
                # The broker misses the numbers of the refused batch: it takes nothing more of this producer.
                await self.stop()

    async def _send(self, producer: Any, letter: DeadLetter) -> None:
        message, topic, marks = letter.message, topic_name(self._settings, letter.message.topic), []
        if _name(letter) in self._large:
            size, message = len(message.value or b""), cut(message)
            log.warning("dead letter %s:%d is cut: it has %d bytes", message.place, message.offset, size)
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
        """Let go of the connection, within a second."""
        producer, self._producer = self._producer, None
        if producer is not None:
            stopping = asyncio.ensure_future(producer.stop())
            await asyncio.wait([stopping], timeout=1.0)
            stopping.cancel()
