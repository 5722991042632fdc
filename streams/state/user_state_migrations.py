"""User states of former versions: each is lifted to the next version, one at a time.

A former version's layout and its migration never change. They stay for as long as states of that version may
be stored.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import numpy as np

from streams.state.consumed import UNKNOWN, Consumed
from streams.state.packed_rows import MAX_ROWS, pack_sorted, unpack_sorted
from streams.state.user_state import StateSettings
from streams.state.user_state_layout import Body, PackedSums, pack_consumed

_I4, _F2, _F4 = np.dtype("<i4"), np.dtype("<f2"), np.dtype("<f4")


class _BodyV5(msgspec.Struct, array_like=True):
    """Version 5: without sums for experiments."""

    items: bytes
    actions: bytes
    ratings: bytes
    times: bytes
    consumed: list[int | bytes]
    interactions: int
    rating_count: int
    rating_sum: float
    activity: float
    last_ts: int
    words: bytes
    words_weight: float
    weights: bytes
    recent: bytes
    offsets: dict[str, int]
    profile: dict[str, str]
    liked: bytes


class _BodyV6(_BodyV5, array_like=True):
    """Version 6: without the latest search."""

    sums: PackedSums | None = None


class _BodyV4(msgspec.Struct, array_like=True):
    """Version 4: with the slates that were shown lately, which nothing read; they are kept elsewhere now."""

    items: bytes
    actions: bytes
    ratings: bytes
    times: bytes
    consumed: list[int | bytes]
    interactions: int
    rating_count: int
    rating_sum: float
    activity: float
    last_ts: int
    words: bytes
    words_weight: float
    slates: list[tuple[str, int, bytes]]
    weights: bytes
    recent: bytes
    offsets: dict[str, int]
    profile: dict[str, str]
    liked: bytes


class _BodyV3(msgspec.Struct, array_like=True):
    """Versions 2 and 3: two generations of consumed items as packed rows, their actions not noted."""

    items: bytes
    actions: bytes
    ratings: bytes
    times: bytes
    consumed: bytes
    consumed_before: bytes
    interactions: int
    rating_count: int
    rating_sum: float
    activity: float
    last_ts: int
    words: bytes
    words_weight: float
    slates: list[tuple[str, int, bytes]]
    weights: bytes
    recent: bytes
    offsets: dict[str, int]
    profile: dict[str, str]
    liked: bytes = b""  # version 2 ends before it


class _BodyV1(msgspec.Struct, array_like=True):
    """Version 1: one generation of consumed items, as plain rows; words in float32; no slates, no weights."""

    items: bytes
    actions: bytes
    ratings: bytes
    times: bytes
    consumed: bytes
    interactions: int
    rating_count: int
    rating_sum: float
    activity: float
    last_ts: int
    words: bytes
    words_weight: float
    recent: bytes
    offsets: dict[str, int]
    profile: dict[str, str]


_encoder = msgspec.msgpack.Encoder()
_decoder_v6 = msgspec.msgpack.Decoder(_BodyV6)
_decoder_v5 = msgspec.msgpack.Decoder(_BodyV5)
_decoder_v4 = msgspec.msgpack.Decoder(_BodyV4)
_decoder_v3 = msgspec.msgpack.Decoder(_BodyV3)
_decoder_v1 = msgspec.msgpack.Decoder(_BodyV1)


def _from_v1(raw: bytes) -> bytes:
    """The consumed items become the young generation; slates and weights begin empty."""
    old = _decoder_v1.decode(raw)
    consumed = np.unique(np.frombuffer(old.consumed, _I4))
    return _encoder.encode(
        _BodyV3(
            items=old.items,
            actions=old.actions,
            ratings=old.ratings,
            times=old.times,
            consumed=pack_sorted(consumed),
            consumed_before=b"",
            interactions=old.interactions,
            rating_count=old.rating_count,
            rating_sum=old.rating_sum,
            activity=old.activity,
            last_ts=old.last_ts,
            words=np.frombuffer(old.words, _F4).astype(_F2).tobytes(),
            words_weight=old.words_weight,
            slates=[],
            weights=b"",
            recent=old.recent,
            offsets=old.offsets,
            profile=old.profile,
        )
    )


def _from_v2(raw: bytes) -> bytes:
    """What the user's words felt like was not kept: as if they had said nothing of it."""
    old = _decoder_v3.decode(raw)
    old.liked = bytes(len(old.words))
    return _encoder.encode(old)


def _from_v3(raw: bytes) -> bytes:
    """The two generations become one set, of items that were met by actions nobody noted."""
    old = _decoder_v3.decode(raw)
    rows = np.union1d(unpack_sorted(old.consumed), unpack_sorted(old.consumed_before))
    consumed = Consumed(((UNKNOWN, rows),) if len(rows) else ())
    if len(rows) > MAX_ROWS:
        consumed = consumed.fitted(StateSettings().consumed_bytes)
    return _encoder.encode(
        _BodyV4(
            items=old.items,
            actions=old.actions,
            ratings=old.ratings,
            times=old.times,
            consumed=pack_consumed(consumed),
            interactions=old.interactions,
            rating_count=old.rating_count,
            rating_sum=old.rating_sum,
            activity=old.activity,
            last_ts=old.last_ts,
            words=old.words,
            words_weight=old.words_weight,
            slates=old.slates,
            weights=old.weights,
            recent=old.recent,
            offsets=old.offsets,
            profile=old.profile,
            liked=old.liked,
        )
    )


def _from_v4(raw: bytes) -> bytes:
    """The slates are left out."""
    old = _decoder_v4.decode(raw)
    return _encoder.encode(_BodyV5(**{name: getattr(old, name) for name in _BodyV5.__struct_fields__}))


def _from_v5(raw: bytes) -> bytes:
    """Nothing was measured."""
    old = _decoder_v5.decode(raw)
    return _encoder.encode(_BodyV6(**{name: getattr(old, name) for name in _BodyV5.__struct_fields__}))


def _from_v6(raw: bytes) -> bytes:
    """Nothing was searched for."""
    old = _decoder_v6.decode(raw)
    return _encoder.encode(Body(**{name: getattr(old, name) for name in _BodyV6.__struct_fields__}))


# From a version's body to the next one's.
MIGRATIONS: dict[int, Callable[[bytes], bytes]] = {
    1: _from_v1,
    2: _from_v2,
    3: _from_v3,
    4: _from_v4,
    5: _from_v5,
    6: _from_v6,
}
