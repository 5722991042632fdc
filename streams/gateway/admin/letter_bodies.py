"""What the routes of dead letters take and answer."""

from __future__ import annotations

import base64
from typing import Annotated

import msgspec
from msgspec import Meta

from streams.kafka.dead_letter_box import (
    StoredLetter,
)

SHOWN_MOST = 1_000
"""Bytes of a value that a list shows."""


class Bytes(msgspec.Struct):
    """Bytes as they were sent: as text where they are UTF-8, else in base64. `size` of all of them; they are
    `cut` where a list shows only the first ones.
    """

    size: int
    cut: bool
    text: str | None = None
    base64: str | None = None


class LetterView(msgspec.Struct):
    """A dead letter. `position`: its place among the letters. `topic`, `partition`, `offset`: where the event
    lies in Kafka. `reason` is a code, `message` explains it; `time_ms`: when a worker gave it up. `whole`:
    whether key and value are those of a whole record, which can be sent back; `replayed`: it was.
    """

    position: int
    topic: str
    partition: int
    offset: int
    reason: str
    message: str
    time_ms: int
    key: Bytes | None
    value: Bytes | None
    replayed: bool
    whole: bool


class LetterList(msgspec.Struct):
    """Letters, the newest first. `before`: what to ask for to get the next page; null at the end."""

    letters: list[LetterView]
    before: int | None


class Replay(msgspec.Struct, forbid_unknown_fields=True):
    """What to send back: letters with this reason ("" for all), `limit` at most, the oldest first."""

    reason: Annotated[str, Meta(max_length=64)] = ""
    limit: Annotated[int, Meta(ge=1, le=10_000)] = 1_000


class LetterCorrection(msgspec.Struct, forbid_unknown_fields=True):
    """What to send in place of a letter's bytes: `value`, an event as JSON text; null for the bytes as they
    are. It goes to the topic and the partition that are the event's own.
    """

    value: Annotated[str, Meta(max_length=1_000_000)] | None = None


class LetterReplayed(msgspec.Struct):
    """The letter that was sent. `mended`: another event went in its place. `event_id` is that event's."""

    position: int
    topic: str
    mended: bool
    event_id: str | None


class Replayed(msgspec.Struct):
    """How many letters were sent back, by reason. Left out were those of another deployment's topics, and
    those that are no whole records.
    """

    sent: dict[str, int]
    foreign: int
    parts: int


def letter_view(letter: StoredLetter, most: int | None = None) -> LetterView:
    return LetterView(
        position=letter.position,
        topic=letter.topic,
        partition=letter.partition,
        offset=letter.offset,
        reason=letter.reason,
        message=letter.why,
        time_ms=letter.time_ms,
        key=_bytes(letter.key, most),
        value=_bytes(letter.value, most),
        replayed=letter.replayed,
        whole=letter.whole,
    )


def _bytes(value: bytes | None, most: int | None) -> Bytes | None:
    if value is None:
        return None
    part = value[:most]
    cut = len(part) < len(value)
    try:
        # A character that was cut in two is left out.
        return Bytes(
            len(value), cut, text=part.decode(errors="ignore" if cut and _is_text(value) else "strict")
        )
    except UnicodeDecodeError:
        return Bytes(len(value), cut, base64=base64.b64encode(part).decode())


def _is_text(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True
