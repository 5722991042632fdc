"""Who learns from lessons. A learner is a counter like the others: every worker's folds the same lessons,
each once, and its state is a part of the counters' snapshot.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import msgspec

from model.errors import StoreError
from streams.learning.lesson import KINDS, Lesson
from streams.state.stored_format import check_version, leading_version


class Learner(Protocol):
    """A deterministic fold of lessons. It knows nothing but what they say, so that it may be restored."""

    def learn(self, lesson: Lesson) -> None:
        """Take one lesson; it must not raise."""
        ...

    def counts(self) -> Mapping[str, int]:
        """How many lessons of each of `KINDS` it has learned; a copy. May be asked in any thread."""
        ...

    def pack(self) -> bytes:
        """Its state, for a snapshot; a copy."""
        ...

    def restore(self, raw: bytes) -> None:
        """Take the state that `pack` packed; else raise `StoreError`, and stay as it is."""
        ...


VERSION = 1
"""Of what the learner of this build packs."""


class _Counted(msgspec.Struct, array_like=True):
    version: int
    lessons: dict[str, int]
    places: int
    answers: int


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Counted)


class CountingLearner:
    """Counts lessons by kind, with the `places` that were shown and the `answers` to them; learns nothing."""

    def __init__(self) -> None:
        self.lessons = dict.fromkeys(KINDS, 0)
        self.places = self.answers = 0

    def learn(self, lesson: Lesson) -> None:
        self.lessons[lesson.kind] += 1
        self.places += lesson.places
        self.answers += len(lesson.answers)

    def counts(self) -> Mapping[str, int]:
        return dict(self.lessons)

    def pack(self) -> bytes:
        return _encoder.encode(_Counted(VERSION, self.lessons, self.places, self.answers))

    def restore(self, raw: bytes) -> None:
        try:
            check_version("learner", leading_version(raw), VERSION)
            counted = _decoder.decode(raw)
        except msgspec.MsgspecError as error:
            raise StoreError(f"counted lessons of {len(raw)} bytes can't be read: {error}") from None
        self.lessons = dict.fromkeys(KINDS, 0) | counted.lessons
        self.places, self.answers = counted.places, counted.answers
