"""A Kafka record as the worker sees it, and the outcome of reading it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from model.errors import EventError
from streams.batch import Incoming
from streams.events import TOPIC_OF, EventLimits, decode, key_of, time_of
from streams.topics import ACCEPTED_HEADER
from streams.user_state import Delivery

Headers = Mapping[str, bytes] | Iterable[tuple[str, bytes]]


class Message(NamedTuple):
    """`topic` without its prefix; `timestamp_ms` is Kafka's."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: float
    key: bytes | None
    value: bytes | None
    headers: Headers = ()

    @property
    def place(self) -> str:
        """The name of its partition in the store's progress."""
        return f"{self.topic}-{self.partition}"

    @property
    def accepted_ms(self) -> float:
        """When the gateway accepted it; for events that came another way, Kafka's own time."""
        headers = self.headers.items() if isinstance(self.headers, Mapping) else self.headers or ()
        for name, value in headers:
            if name == ACCEPTED_HEADER:
                try:
                    return float(value)
                except ValueError:
                    break
        return self.timestamp_ms


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
    event = decode(message.value or b"", now_ms, limits)
    expected = TOPIC_OF[type(event)]
    if expected != message.topic:
        raise EventError("wrong_topic", f"event of topic {expected} came on {message.topic}")
    if message.key != key_of(event):
        raise EventError("wrong_key", f"key {message.key!r}, expected {key_of(event)!r}")
    return Incoming(event, Delivery(message.topic, message.offset), message.accepted_ms)
