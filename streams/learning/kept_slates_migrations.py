"""Kept slates of former versions. A former version's layout never changes."""

from __future__ import annotations

import msgspec
import numpy as np

from streams.learning.kept_slates import Answer, KeptSlate, UserSlates, checked
from streams.learning.looks import F2, F4, NO_FEATURES, pack_looks

_I4 = np.dtype("<i4")


class _SlateV1(msgspec.Struct, array_like=True, gc=False):
    """Version 1 of one slate. Arrays are little-endian bytes: rows int32, scores and propensities float32,
    features float16 place by place, of `columns` each.
    """

    slate_id: str
    ts: int
    arm: str
    model: str
    rows: bytes
    scores: bytes
    propensities: bytes
    features: bytes
    columns: int
    names: bytes
    shown_ms: int
    shown: bytes
    shown_as: bytes
    surface: str
    answers: tuple[Answer, ...]
    closed_ms: int


class _AllV1(msgspec.Struct, array_like=True, gc=False):
    """Version 1; `recent` are keys of `EVENT_ID_BYTES` each, end to end."""

    slates: list[_SlateV1]
    recent: bytes


_decoder_v1 = msgspec.msgpack.Decoder(_AllV1)


def from_v1(body: bytes) -> UserSlates:
    """Everything was one msgpack value, in which each slate had its arrays beside its marks."""
    packed = _decoder_v1.decode(body)
    return checked(UserSlates(tuple(map(_slate_of_v1, packed.slates)), packed.recent))


def _slate_of_v1(old: _SlateV1) -> KeptSlate:
    rows, shown = np.frombuffer(old.rows, _I4), np.frombuffer(old.shown, _I4)
    features, shown_as = np.frombuffer(old.features, F2), np.frombuffer(old.shown_as, F4)
    looks = pack_looks(
        np.frombuffer(old.scores, F4),
        np.frombuffer(old.propensities, F4),
        features.reshape(-1, old.columns) if len(features) else NO_FEATURES,
        old.names,
    )
    return KeptSlate(
        slate_id=old.slate_id,
        ts=old.ts,
        arm=old.arm,
        model=old.model,
        rows=tuple(rows.tolist()),
        shown_ms=old.shown_ms,
        shown=tuple(shown.tolist()),
        shown_as=tuple(shown_as.tolist()),
        surface=old.surface,
        answers=old.answers,
        closed_ms=old.closed_ms,
        looks=looks,
    )
