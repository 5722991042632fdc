"""A user's state as bytes: one version byte, then msgpack. Lossless; under 12 KB for a full state, of which
the items that the user has met take `state.consumed_bytes` (7,900), and everything else under 4 KB.

(Words are stored in float16; the fold already rounds them to it, so nothing more is lost here and the
outcome does not depend on how often a state is stored.)

A stored state may be older than this build: `MIGRATIONS` lifts it, one version at a time, when it is
read, and the next write stores it in the present form. A state of a newer build is refused.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

import msgspec
import numpy as np
from numpy.typing import NDArray

from model.errors import NewerVersionError, StoreError
from streams.state.consumed import BLOCKED, FORGOTTEN, UNKNOWN, Consumed, check_consumed
from streams.state.packed_rows import MAX_ROWS, pack_sorted, unpack_sorted
from streams.state.stored_format import NEIGHBOURS
from streams.state.user_state import EMPTY, EVENT_ID_BYTES, WORDS_DIM, StateSettings, UserState

VERSION = 5

_I4, _I8, _F2, _F4 = np.dtype("<i4"), np.dtype("<i8"), np.dtype("<f2"), np.dtype("<f4")


class _Body(msgspec.Struct, array_like=True, gc=False):
    """Version 5. Arrays are little-endian bytes: rows int32, times int64, ratings and weights float32, words
    and liked float16, event ids end to end; `consumed` has for each group a code and `packed_rows`. The
    code is the action's; `_HASHED` (of what never comes back `_BLOCKED_HASHED`) and a number of bits for
    hashes.
    """

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
_decoder = msgspec.msgpack.Decoder(_Body)
_decoder_v4 = msgspec.msgpack.Decoder(_BodyV4)
_decoder_v3 = msgspec.msgpack.Decoder(_BodyV3)
_decoder_v1 = msgspec.msgpack.Decoder(_BodyV1)
_LEAD = bytes([VERSION])
_HASHED, _BLOCKED_HASHED = 128, 256


def encode(state: UserState) -> bytes:
    """A state as the bytes that `decode` reads."""
    return _LEAD + _encoder.encode(
        _Body(
            items=state.items.astype(_I4, copy=False).tobytes(),
            actions=state.actions.tobytes(),
            ratings=state.ratings.astype(_F4, copy=False).tobytes(),
            times=state.times.astype(_I8, copy=False).tobytes(),
            consumed=_packed(state.consumed),
            interactions=state.interactions,
            rating_count=state.rating_count,
            rating_sum=state.rating_sum,
            activity=state.activity,
            last_ts=state.last_ts,
            words=state.words.astype(_F2).tobytes(),
            words_weight=state.words_weight,
            weights=state.weights.astype(_F4, copy=False).tobytes(),
            recent=b"".join(state.recent),
            offsets=state.offsets,
            profile=state.profile,
            liked=state.liked.astype(_F2).tobytes(),
        )
    )


def decode(raw: bytes | None) -> UserState:
    """The state in `raw`; the empty state for None (a user who was never seen, or whose state expired).

    Raises `NewerVersionError` where a newer build wrote it, `StoreError` where the bytes are no state.
    """
    if raw is None:
        return EMPTY
    try:
        version, body = raw[0], raw[1:]
        if version > VERSION:
            error = NewerVersionError if version <= VERSION + NEIGHBOURS else StoreError
            raise error(f"user state of version {version}; this build reads up to {VERSION}: upgrade it")
        while version < VERSION:
            body = MIGRATIONS[version](body)
            version += 1
        return _state(_decoder.decode(body))
    except (msgspec.MsgspecError, ValueError, LookupError, struct.error) as error:
        raise StoreError(
            f"user state of {len(raw)} bytes can't be read ({error}); it is no state or was changed"
        ) from None


def _state(body: _Body) -> UserState:
    items = np.frombuffer(body.items, _I4)
    ratings = np.frombuffer(body.ratings, _F4)
    times = np.frombuffer(body.times, _I8)
    if not len(items) == len(body.actions) == len(ratings) == len(times):
        raise ValueError(
            f"{len(items)} items, {len(body.actions)} actions, {len(ratings)} ratings, {len(times)} times"
        )
    actions = np.frombuffer(body.actions, np.uint8)
    if (times[1:] < times[:-1]).any():  # written by a build that kept the order of arrival
        order = times.argsort(kind="stable")
        items, actions, ratings, times = items[order], actions[order], ratings[order], times[order]
    words, liked = (np.frombuffer(each, _F2).astype(np.float32) for each in (body.words, body.liked))
    if len(words) not in (0, WORDS_DIM) or len(liked) != len(words):
        raise ValueError(f"words of {len(words)} and {len(liked)} numbers; expected {WORDS_DIM} or 0")
    return UserState(
        items=items,
        actions=actions,
        ratings=ratings,
        times=times,
        consumed=_unpacked(body.consumed),
        interactions=body.interactions,
        rating_count=body.rating_count,
        rating_sum=body.rating_sum,
        activity=body.activity,
        last_ts=body.last_ts,
        words=words,
        words_weight=body.words_weight,
        liked=liked,
        weights=np.frombuffer(body.weights, _F4),
        recent=struct.unpack(f"{EVENT_ID_BYTES}s" * (len(body.recent) // EVENT_ID_BYTES), body.recent),
        offsets=body.offsets,
        profile=body.profile,
    )


def _packed(consumed: Consumed) -> list[int | bytes]:
    packed: list[int | bytes] = []
    for action, keys in consumed.groups:
        hashed = (_BLOCKED_HASHED if action == BLOCKED else _HASHED) + consumed.hash_bits
        packed += (hashed if consumed.hash_bits else action, pack_sorted(keys))
    return packed


def _unpacked(packed: list[int | bytes]) -> Consumed:
    groups: list[tuple[int, NDArray[np.int32]]] = []
    bits: set[int] = set()
    for code, keys in zip(packed[::2], packed[1::2], strict=True):
        if not isinstance(code, int) or not isinstance(keys, bytes):
            raise ValueError("consumed items are not pairs of a code and bytes")
        action, hashed = code, 0
        if _HASHED < code < _HASHED + 32:
            action, hashed = FORGOTTEN, code - _HASHED
        elif code > _BLOCKED_HASHED:
            action, hashed = BLOCKED, code - _BLOCKED_HASHED
        bits.add(hashed)
        groups.append((action, unpack_sorted(keys)))
    if len(bits) > 1:
        raise ValueError(f"consumed items in hashes of {sorted(bits)} bits; expected one number of bits")
    consumed = Consumed(tuple(groups), *bits)
    check_consumed(consumed)
    return consumed


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
            consumed=_packed(consumed),
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
    return _encoder.encode(_Body(**{name: getattr(old, name) for name in _Body.__struct_fields__}))


# From a version's body to the next one's. An entry stays for as long as states of that version may be stored.
MIGRATIONS: dict[int, Callable[[bytes], bytes]] = {1: _from_v1, 2: _from_v2, 3: _from_v3, 4: _from_v4}
