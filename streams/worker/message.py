"""A Kafka record as the worker sees it, and the outcome of reading it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from model.errors import EventError
from streams.batch import Incoming
from streams.events import TOPIC_OF, EventLimits, decode, key_of
from streams.topics import ACCEPTED_HEADER
from streams.user_state import Delivery

CLOCKS_APART_MS = 60_000
"""A time further ahead was not read from a clock."""

Headers = Mapping[str, bytes] | Iterable[tuple[str, bytes]]


class Message(NamedTuple):
    """`topic` without its prefix; `timestamp_ms` is Kafka's: its producer's, or the broker's."""

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

    def accepted_ms(self, now_ms: float) -> float:
        """When the gateway accepted it, by the gateway's clock. Events that came another way count from now:
        Kafka's timestamp of them may be any that their producer liked, such as the event's own time.
        """
        headers = self.headers.items() if isinstance(self.headers, Mapping) else self.headers or ()
        for name, value in headers:
            if name == ACCEPTED_HEADER and value is not None and value.isdigit():
                accepted_ms = float(value)
                return accepted_ms if accepted_ms <= now_ms + CLOCKS_APART_MS else now_ms
        return now_ms


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
    return Incoming(event, Delivery(message.topic, message.offset), message.accepted_ms(now_ms))
