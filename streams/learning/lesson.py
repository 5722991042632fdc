"""A lesson: a slate that was shown, and what the user did with it; how it is packed for the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import msgspec
import numpy as np

from model.errors import StoreError
from model.schema import F32
from streams.learning.kept_slates import F16, NEVER, KeptSlate
from streams.state.stored_format import check_version, leading_version
from streams.state.user_state import Rows

VERSION = 1

_I4, _F4, _F2 = np.dtype("<i4"), np.dtype("<f4"), np.dtype("<f2")


class Answered(NamedTuple):
    """What was done with one place, `delay_ms` after the slate was shown. `value` is NaN for none."""

    place: int
    action: int
    value: float
    delay_ms: int


@dataclass(frozen=True, slots=True)
class Lesson:
    """n places in the order shown: rows int32 [n]; features float16 [n, F] as they were when the slate was
    made, NaN for a place that was filled in later ([n, 0]: nothing is known of any); `names`, the digest of
    the F names; propensities float32 [n], NaN where not known (empty: of none).

    `answers` is empty for silence. `shown_ms`: when it was first shown; NEVER where no impression says so,
    and its answers alone tell that it was.
    """

    user: str
    slate_id: str
    arm: str
    model: str
    surface: str
    shown_ms: int
    rows: Rows
    features: F16
    names: bytes
    propensities: F32
    answers: tuple[Answered, ...]

    @property
    def kind(self) -> str:
        """Which of `KINDS` it is."""
        return "answered" if self.answers else "silent"


KINDS = ("answered", "silent")


class _Packed(msgspec.Struct, array_like=True, gc=False):
    """Version 1. Arrays are little-endian bytes, as wide as in `Lesson`."""

    version: int
    user: str
    slate_id: str
    arm: str
    model: str
    surface: str
    shown_ms: int
    rows: bytes
    features: bytes
    names: bytes
    propensities: bytes
    answers: list[Answered]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Packed)


def lesson_of(user: str, slate: KeptSlate) -> Lesson:
    """What a slate that waited comes to. An answered item that no impression named comes last."""
    shown = slate.rows if slate.shown_ms == NEVER else slate.shown
    told = slate.propensities if slate.shown_ms == NEVER else slate.shown_as
    listed = shown.tolist()
    extra = list(dict.fromkeys(each.row for each in slate.answers if each.row not in set(listed)))
    rows = np.array([*listed, *extra], np.int32)
    made = {row: at for at, row in enumerate(slate.rows.tolist())}
    features = np.full((len(rows), slate.features.shape[1]), np.nan, np.float16)
    propensities = np.full(len(rows), np.nan, np.float32)
    propensities[: len(told)] = told
    for at, row in enumerate(rows.tolist()):
        if row not in made:
            continue
        if made[row] < len(slate.features):
            features[at] = slate.features[made[row]]
        if len(slate.propensities) and np.isnan(propensities[at]):
            propensities[at] = slate.propensities[made[row]]
    places = {row: at for at, row in enumerate(rows.tolist())}
    return Lesson(
        user=user,
        slate_id=slate.slate_id,
        arm=slate.arm,
        model=slate.model,
        surface=slate.surface,
        shown_ms=slate.shown_ms,
        rows=rows,
        features=features,
        names=slate.names if len(slate.features) else b"",
        propensities=propensities if not np.isnan(propensities).all() else propensities[:0],
        answers=tuple(
            Answered(places[each.row], each.action, each.value, max(0, each.ts - slate.since_ms))
            for each in slate.answers
        ),
    )


def encode_lesson(lesson: Lesson) -> bytes:
    """A lesson as the bytes that `decode_lesson` reads."""
    return _encoder.encode(
        _Packed(
            version=VERSION,
            user=lesson.user,
            slate_id=lesson.slate_id,
            arm=lesson.arm,
            model=lesson.model,
            surface=lesson.surface,
            shown_ms=lesson.shown_ms,
            rows=lesson.rows.astype(_I4, copy=False).tobytes(),
            features=lesson.features.astype(_F2, copy=False).tobytes(),
            names=lesson.names,
            propensities=lesson.propensities.astype(_F4, copy=False).tobytes(),
            answers=list(lesson.answers),
        )
    )


def decode_lesson(raw: bytes) -> Lesson:
    """The lesson that `encode_lesson` packed; `StoreError` for anything else."""
    try:
        check_version("lesson", leading_version(raw), VERSION)
        packed = _decoder.decode(raw)
        rows = np.frombuffer(packed.rows, _I4)
        features = np.frombuffer(packed.features, _F2).reshape(len(rows), -1 if packed.features else 0)
        propensities = np.frombuffer(packed.propensities, _F4)
        if len(propensities) not in (0, len(rows)):
            raise ValueError(f"{len(propensities)} propensities for {len(rows)} rows")
        if any(not 0 <= answer.place < len(rows) for answer in packed.answers):
            raise ValueError(f"answers at places beyond {len(rows)}")
    except (msgspec.MsgspecError, ValueError) as error:
        raise StoreError(f"lesson of {len(raw)} bytes can't be read: {error}") from None
    return Lesson(
        user=packed.user,
        slate_id=packed.slate_id,
        arm=packed.arm,
        model=packed.model,
        surface=packed.surface,
        shown_ms=packed.shown_ms,
        rows=rows,
        features=features,
        names=packed.names,
        propensities=propensities,
        answers=tuple(packed.answers),
    )
