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
"""The reason of a letter that holds what Kafka's client can't decode: a record's bytes, or a batch's."""

CLOCKS_APART_MS = 60_000
"""A time further ahead was not read from a clock."""

Headers = Mapping[str, bytes | None] | Iterable[tuple[str, bytes | None]]


class Message(NamedTuple):
    """`topic` without its prefix; `timestamp_ms` is Kafka's (its producer's, or the broker's): below 0 where
    the record has none.

    No event lies between `since` and the message (None: nothing is known of that); it was read after the seek
    `seek`. `undecodable`: why `value` is not a record's value, but bytes that Kafka's client can't decode, of
    offsets up to this one.
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

    @property
    def place(self) -> str:
        """The name of its partition in the store's progress."""
        return f"{self.topic}-{self.partition}"

    def accepted_ms(self, now_ms: int) -> float:
        """When the gateway accepted it, by the gateway's clock, and no later than `now_ms`. Events that came
        another way count from now: Kafka's timestamp of them may be any that their producer liked.

        A header that is no time, or is one that no clock can show, is ignored.
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
    """When what is in a record happened, as far as its order goes: no later than it was written to Kafka and
    read, so that a clock that runs ahead holds nothing up.

    `written_ms`: Kafka's time, 0 for none; it alone counts where there is no event.

    >>> [happened_ms(b'{"ts":%d}' % ts, 7.0, 8.0) for ts in (5, 9)], happened_ms(b'{"ts":9}', 0.0, 8.0)
    ([5, 7.0], 8.0)
    >>> happened_ms(None, 7.0, 8.0)
    7.0
    """
    ts = time_of(value or b"")
    if ts is None:
        return min(written_ms, read_ms)
    return min(ts, written_ms if written_ms > 0 else read_ms, read_ms)


def read(message: Message, now_ms: int, limits: EventLimits) -> Incoming:
    """The event in a message, or `EventError` with the reason why it can't be applied.

    An event under another key or on another topic would meet its user's state in two workers at once.
    """
    if message.undecodable:
        raise EventError(UNDECODABLE, message.undecodable)
    event = decode(message.value or b"", now_ms, limits)
    expected = TOPIC_OF[type(event)]
    if expected != message.topic:
        raise EventError("wrong_topic", f"event of topic {expected} came on {message.topic}")
    if message.key != key_of(event):
        raise EventError("wrong_key", f"key {message.key!r}, expected {key_of(event)!r}")
    return Incoming(event, Delivery(message.topic, message.offset), message.accepted_ms(now_ms))
