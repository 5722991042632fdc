"""A user's state as bytes: one version byte, then msgpack. Lossless; under 12 KB for a full state, of which
the items that the user has met take `state.consumed_bytes` (7,900), and everything else under 4 KB; what
experiments measure of the user comes on top of that (`user_sums`), and is nothing where none runs.

(Words are stored in float16; the fold already rounds them to it, so nothing more is lost here and the
outcome does not depend on how often a state is stored.)

A stored state may be older than this build: `MIGRATIONS` lifts it, one version at a time, when it is
read, and the next write stores it in the present form. A state of a newer build is refused.
"""

from __future__ import annotations

import struct
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from model.errors import NewerVersionError, StoreError
from streams.state.stored_format import NEIGHBOURS
from streams.state.user_state import EMPTY, EVENT_ID_BYTES, WORDS_DIM, UserState
from streams.state.user_state_layout import Body, pack_consumed, pack_sums, unpack_consumed, unpack_sums
from streams.state.user_state_migrations import MIGRATIONS

VERSION = 7

_I4, _I8, _F2, _F4 = np.dtype("<i4"), np.dtype("<i8"), np.dtype("<f2"), np.dtype("<f4")


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Body)
_LEAD = bytes([VERSION])


def encode(state: UserState) -> bytes:
    """A state as the bytes that `decode` reads."""
    # A tuple is written like a `Body`, whose fields these are in order, and is made in a tenth of the time.
    return _LEAD + _encoder.encode(
        (
            _stored(state.items, _I4),
            state.actions.tobytes(),
            _stored(state.ratings, _F4),
            _stored(state.times, _I8),
            pack_consumed(state.consumed),
            state.interactions,
            state.rating_count,
            state.rating_sum,
            state.activity,
            state.last_ts,
            _stored(state.words, _F2),
            state.words_weight,
            _stored(state.weights, _F4),
            b"".join(state.recent),
            state.offsets,
            state.profile,
            _stored(state.liked, _F2),
            pack_sums(state.sums),
            _stored(state.searched, _F2),
            state.searched_ms,
        )
    )


def _stored(numbers: NDArray[Any], kind: np.dtype[Any]) -> bytes:
    return (numbers if numbers.dtype is kind else numbers.astype(kind)).tobytes() if len(numbers) else b""


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


def _state(body: Body) -> UserState:
    # In memory that could be written, as the fold makes it: compiled code has one form for it, not two.
    items = np.frombuffer(bytearray(body.items), _I4)
    ratings = np.frombuffer(bytearray(body.ratings), _F4)
    times = np.frombuffer(bytearray(body.times), _I8)
    if not len(items) == len(body.actions) == len(ratings) == len(times):
        raise ValueError(
            f"{len(items)} items, {len(body.actions)} actions, {len(ratings)} ratings, {len(times)} times"
        )
    actions = np.frombuffer(bytearray(body.actions), np.uint8)
    if (times[1:] < times[:-1]).any():  # written by a build that kept the order of arrival
        order = times.argsort(kind="stable")
        items, actions, ratings, times = items[order], actions[order], ratings[order], times[order]
    words, liked, searched = (
        np.frombuffer(each, _F2).astype(np.float32) for each in (body.words, body.liked, body.searched)
    )
    if len(searched) not in (0, WORDS_DIM):
        raise ValueError(f"a search of {len(searched)} numbers; expected {WORDS_DIM} or 0")
    if len(words) not in (0, WORDS_DIM) or len(liked) != len(words):
        raise ValueError(f"words of {len(words)} and {len(liked)} numbers; expected {WORDS_DIM} or 0")
    return UserState(
        items=items,
        actions=actions,
        ratings=ratings,
        times=times,
        consumed=unpack_consumed(body.consumed),
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
        searched=searched,
        searched_ms=body.searched_ms,
        sums=unpack_sums(body.sums),
    )
