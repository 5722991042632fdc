"""A Kafka record as the worker sees it, and the outcome of reading it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from model.errors import EventError
from streams.batch import Incoming
from streams.events.schema import TOPIC_OF, EventLimits, decode, key_of, time_of
from streams.kafka.topics import ACCEPTED_HEADER
from streams.state.fold import Delivery

UNDECODABLE = "undecodable"
"""The reason of a letter with bytes that Kafka's client can't decode: a record's, or a batch's."""

CLOCKS_APART_MS = 60_000
"""A time further ahead does not come from a clock."""

Headers = Mapping[str, bytes | None] | Iterable[tuple[str, bytes | None]]


class Message(NamedTuple):
    """`topic` has no prefix; `timestamp_ms` is Kafka's (the producer sets it, or the broker): below 0 where
    the record has none.

    No event lies between `since` and the message (None: unknown); the client read it after seek `seek`.
    `undecodable`: why `value` is not a record's value, but bytes that Kafka's client can't decode, of offsets
    up to this one. `passed`: when it passed what it went through in the worker, ms since the epoch:
    "fetched", "handed" (the worker's loop has it). `early`: its event, or why it can't be applied, where that
    was found before its batch was begun.
    """

    topic: str
    partition: int
    offset: int
    timestamp_ms: float
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    since: int | None = None
    seek: int = 0
    undecodable: str = ""
    passed: Mapping[str, float] = {}
    early: Incoming | EventError | None = None

    @property
    def place(self) -> str:
        """The name of its partition in the store's progress."""
        return f"{self.topic}-{self.partition}"

    def accepted_ms(self, now_ms: int) -> float:
        """When the gateway accepted it, by the gateway's clock, and no later than `now_ms`. For events that
        did not come through the gateway it is now: their producer may have set any Kafka timestamp.

        This ignores a header that is no time, or a time that no clock can show.
        """
        headers = self.headers.items() if isinstance(self.headers, Mapping) else self.headers or ()
        for name, value in headers:
            if name == ACCEPTED_HEADER and 0 < (time_ms := _time_ms(value)) <= now_ms + CLOCKS_APART_MS:
                return min(time_ms, float(now_ms))
        return float(now_ms)


def _time_ms(value: bytes | None) -> float:
    """The number in a header; nan for none."""
    try:
        return float(value or b"")
    except ValueError:
        return math.nan


def happened_ms(value: bytes | None, written_ms: float, read_ms: float) -> float:
    """When a record's event happened, for its order among others: no later than Kafka got it and the worker
    read it, so that a clock that runs ahead holds nothing up.

    `written_ms`: Kafka's time, 0 or below for none; it alone counts where the record holds no event.

    >>> [happened_ms(b'{"ts":%d}' % ts, 7.0, 8.0) for ts in (5, 9)], happened_ms(b'{"ts":9}', 0.0, 8.0)
    ([5, 7.0], 8.0)
    >>> happened_ms(None, 7.0, 8.0)
    7.0
    """
    ts = time_of(value or b"")
    return min(written_ms, read_ms) if ts is None else no_later(ts, written_ms, read_ms)


def no_later(ts: int, written_ms: float, read_ms: float) -> float:
    """The same of an event whose `ts` is known."""
    return min(ts, written_ms if written_ms > 0 else read_ms, read_ms)


def read_early(message: Message, now_ms: int, limits: EventLimits) -> Message:
    """The message with its event, as `read` gives it, or with the reason."""
    try:
        return message._replace(early=read(message, now_ms, limits))
    except EventError as error:
        return message._replace(early=error)
    except Exception:  # a record that no rule speaks of: whoever reads its batch says so
        return message


def read(message: Message, now_ms: int, limits: EventLimits) -> Incoming:
    """The event in a message, or `EventError` with the reason why it can't be applied.

    Two workers at once would change a user's state if an event came under another key or on another topic.
    """
    if message.undecodable:
        raise EventError(UNDECODABLE, message.undecodable)
    event = decode(message.value or b"", now_ms, limits)
    expected = TOPIC_OF[type(event)]
    if expected != message.topic:
        raise EventError("wrong_topic", f"an event of topic {expected} came on {message.topic}")
    if message.key != key_of(event):
        raise EventError("wrong_key", f"key {message.key!r}, expected {key_of(event)!r}")
    accepted_ms = message.accepted_ms(now_ms)
    delivery = Delivery(message.topic, message.offset, accepted_ms)
    return Incoming(event, delivery, accepted_ms, passed=message.passed)
