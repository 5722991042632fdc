"""A lesson: a slate that was shown, and what the user did with it; how it is packed for the ledger.

A lesson is what is packed: its numbers stay bytes until a learner asks for them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import msgspec
import numpy as np

from model.errors import StoreError
from model.schema import F32
from streams.learning.kept_slates import NEVER, KeptSlate
from streams.learning.looks import F2, F4, F16, Looks
from streams.learning.trial import NEITHER
from streams.state.stored_format import check_version, leading_version
from streams.state.user_state import Rows

VERSION = 1

I4 = np.dtype("<i4")
_NAN_F2 = np.array(np.nan, F2).tobytes()


class LessonAnswer(NamedTuple):
    """What was done with one place, `delay_ms` after the slate was shown. `value` is NaN for none."""

    place: int
    action: int
    value: float
    delay_ms: int


class Lesson(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Version 1: n places in the order shown. Arrays are little-endian bytes, place by place.

    `answers` is empty for silence. `named`: so many of the places were shown, as far as anything says so;
    those behind were only answered; -1 where a former build did not keep it. `shown_ms`: when it was first
    shown; NEVER where no impression says so, and its answers alone tell that it was. `names`: the digest of
    the features' names. `segment`: what is known of the user (`streams.learning.experts.segments`). `trial`:
    of a slate that tried two orders, the one that brought each place (`streams.learning.trial`), n bytes;
    else none. Entries of former builds end before `segment`, `named` or `trial`.
    """

    version: int
    user: str
    slate_id: str
    arm: str
    model: str
    surface: str
    shown_ms: int
    row_bytes: bytes
    feature_bytes: bytes
    names: bytes
    propensity_bytes: bytes
    answers: tuple[LessonAnswer, ...]
    segment: str = ""
    named: int = -1
    trial: bytes = b""

    @property
    def kind(self) -> str:
        """Which of `KINDS` it is."""
        return "answered" if self.answers else "silent"

    @property
    def places(self) -> int:
        """n."""
        return len(self.row_bytes) // I4.itemsize

    @property
    def seen(self) -> int:
        """How many of the places were shown, the first ones."""
        return self.places if self.named < 0 else self.named

    @property
    def rows(self) -> Rows:
        """int32 [n]."""
        return np.frombuffer(self.row_bytes, I4)

    @property
    def features(self) -> F16:
        """float16 [n, F] as they were when the slate was made, NaN for a place that was filled in later;
        [n, 0] where nothing is known of any.
        """
        return np.frombuffer(self.feature_bytes, F2).reshape(self.places, -1 if self.feature_bytes else 0)

    def has_columns(self, names: bytes, count: int) -> bool:
        """Whether its features are [n, count] with names of this digest."""
        return self.names == names and len(self.feature_bytes) == F2.itemsize * count * self.places

    @property
    def propensities(self) -> F32:
        """float32 [n], NaN where not known; empty where none is."""
        return np.frombuffer(self.propensity_bytes, F4)


KINDS = ("answered", "silent")

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Lesson)


def lesson_of(user: str, slate: KeptSlate) -> Lesson:
    """What a slate that waited comes to. An answered item that no impression named comes last."""
    unshown = slate.shown_ms == NEVER
    shown = slate.rows if unshown else slate.shown
    looks = slate.looked()
    rows = (*shown, *dict.fromkeys(each.row for each in slate.answers if each.row not in shown))
    since_ms = slate.since_ms
    return Lesson(
        VERSION,
        user,
        slate.slate_id,
        slate.arm,
        slate.model,
        slate.surface,
        slate.shown_ms,
        np.array(rows, I4).tobytes(),
        _features(slate, looks, rows),
        looks.names,
        _propensities(slate, looks, rows, () if unshown else slate.shown_as),
        tuple(
            LessonAnswer(rows.index(each.row), each.action, each.value, max(0, each.ts - since_ms))
            for each in slate.answers
        ),
        slate.segment,
        len(shown),
        _trial(slate, rows),
    )


def _trial(slate: KeptSlate, rows: tuple[int, ...]) -> bytes:
    """The orders that brought `rows`; none where no two were tried."""
    if not slate.trial:
        return b""
    brought = dict(zip(slate.rows, slate.trial, strict=True))
    return bytes(brought.get(row, NEITHER) for row in rows)


def _features(slate: KeptSlate, looks: Looks, rows: tuple[int, ...]) -> bytes:
    """Of `rows`, as the slate was made; the bytes of each place are copied as they are."""
    if not looks.feature_bytes:
        return b""
    width = F2.itemsize * looks.columns
    known = len(looks.feature_bytes) // width
    if len(rows) <= known and rows == slate.rows[: len(rows)]:
        return looks.feature_bytes[: width * len(rows)]
    unknown = _NAN_F2 * looks.columns
    made = {row: at for at, row in reversed(list(enumerate(slate.rows[:known])))}
    places = (made.get(row, -1) for row in rows)
    return b"".join(
        looks.feature_bytes[width * at : width * at + width] if at >= 0 else unknown for at in places
    )


def _propensities(slate: KeptSlate, looks: Looks, rows: tuple[int, ...], told: tuple[float, ...]) -> bytes:
    """What the impressions told of `rows`, else what they were made with; b"" where none is known."""
    if not told and not looks.propensity_bytes:
        return b""
    known = np.full(len(rows), np.nan, F4)
    known[: len(told)] = told
    if looks.propensity_bytes:
        made = dict(zip(slate.rows, looks.propensities.tolist(), strict=True))
        for at in np.flatnonzero(np.isnan(known)).tolist():
            known[at] = made.get(rows[at], np.nan)
    return known.tobytes() if not np.isnan(known).all() else b""


def encode_lesson(lesson: Lesson) -> bytes:
    """A lesson as the bytes that `decode_lesson` reads."""
    return _encoder.encode(lesson)


def decode_lesson(raw: bytes) -> Lesson:
    """The lesson that `encode_lesson` packed; `StoreError` for anything else."""
    try:
        check_version("lesson", leading_version(raw), VERSION)
        lesson = _decoder.decode(raw)
        n, odd = divmod(len(lesson.row_bytes), I4.itemsize)
        if odd or len(lesson.feature_bytes) % (F2.itemsize * n or 1) or (lesson.feature_bytes and not n):
            raise ValueError(
                f"{len(lesson.feature_bytes)} bytes of features for {len(lesson.row_bytes)} of rows"
            )
        if len(lesson.trial) not in (0, n):
            raise ValueError(f"{len(lesson.trial)} places of a trial, of {n}")
        if lesson.named > n:
            raise ValueError(f"{lesson.named} places that were shown, of {n}")
        if len(lesson.propensity_bytes) not in (0, F4.itemsize * n):
            raise ValueError(f"{len(lesson.propensity_bytes)} bytes of propensities for {n} rows")
        for answer in lesson.answers:
            if not 0 <= answer.place < n:
                raise ValueError(f"an answer at place {answer.place} of {n}")
    except (msgspec.MsgspecError, ValueError) as error:
        raise StoreError(f"lesson of {len(raw)} bytes can't be read: {error}") from None
    return lesson


def without_user(raw: bytes, user: str) -> bytes:
    """A packed lesson without the name of its user, where that is `user`."""
    lesson = decode_lesson(raw)
    return raw if lesson.user != user else encode_lesson(msgspec.structs.replace(lesson, user=""))


def newest_lesson_row(lessons: Iterable[Lesson]) -> int:
    """The highest row that they name; -1 for none."""
    rows = np.frombuffer(b"".join(lesson.row_bytes for lesson in lessons), I4)
    return int(rows.max()) if len(rows) else -1
