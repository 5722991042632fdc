"""A user's kept slates as bytes: one version byte, then msgpack. Lossless.

Slates of a former version are read (`MIGRATIONS`), those of a newer one are refused.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import numpy as np

from model.errors import StoreError
from streams.learning.kept_slates import NO_FEATURES, NOTHING_KEPT, Answer, KeptSlate, UserSlates
from streams.state.stored_format import check_version
from streams.state.user_state import EVENT_ID_BYTES

VERSION = 1

_I4, _F4, _F2 = np.dtype("<i4"), np.dtype("<f4"), np.dtype("<f2")


class _Body(msgspec.Struct, array_like=True, gc=False):
    """Version 1 of one slate. Arrays are little-endian bytes, as wide as in `KeptSlate`; features place by
    place, of `columns` each.
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
    answers: list[Answer]
    closed_ms: int


class _All(msgspec.Struct, array_like=True, gc=False):
    """Version 1; `recent` are keys of `EVENT_ID_BYTES` each, end to end."""

    slates: list[_Body]
    recent: bytes


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_All)
_LEAD = bytes([VERSION])


def encode(kept: UserSlates) -> bytes:
    """Kept slates as the bytes that `decode` reads."""
    slates = [_packed(slate) for slate in kept.slates]
    return _LEAD + _encoder.encode(_All(slates, b"".join(kept.recent)))


def decode(raw: bytes | None) -> UserSlates:
    """The slates in `raw`; none for None (nothing was kept, or it has expired).

    Raises `NewerVersionError` where a newer build wrote them, `StoreError` where the bytes are no slates.
    """
    if raw is None:
        return NOTHING_KEPT
    try:
        version, body = raw[0], raw[1:]
        check_version("kept slates", version, VERSION)
        while version < VERSION:
            body = MIGRATIONS[version](body)
            version += 1
        packed = _decoder.decode(body)
        if len(packed.recent) % EVENT_ID_BYTES:
            raise ValueError(f"{len(packed.recent)} bytes of keys of {EVENT_ID_BYTES} each")
        recent = range(0, len(packed.recent), EVENT_ID_BYTES)
        return UserSlates(
            tuple(map(_unpacked, packed.slates)),
            tuple(packed.recent[at : at + EVENT_ID_BYTES] for at in recent),
        )
    except (msgspec.MsgspecError, ValueError, LookupError) as error:
        raise StoreError(f"kept slates of {len(raw)} bytes can't be read: {error}") from None


# From a version's body to the next one's.
MIGRATIONS: dict[int, Callable[[bytes], bytes]] = {}


def _packed(slate: KeptSlate) -> _Body:
    return _Body(
        slate_id=slate.slate_id,
        ts=slate.ts,
        arm=slate.arm,
        model=slate.model,
        rows=slate.rows.astype(_I4, copy=False).tobytes(),
        scores=slate.scores.astype(_F4, copy=False).tobytes(),
        propensities=slate.propensities.astype(_F4, copy=False).tobytes(),
        features=slate.features.astype(_F2, copy=False).tobytes(),
        columns=slate.features.shape[1],
        names=slate.names,
        shown_ms=slate.shown_ms,
        shown=slate.shown.astype(_I4, copy=False).tobytes(),
        shown_as=slate.shown_as.astype(_F4, copy=False).tobytes(),
        surface=slate.surface,
        answers=list(slate.answers),
        closed_ms=slate.closed_ms,
    )


def _unpacked(body: _Body) -> KeptSlate:
    rows, shown = np.frombuffer(body.rows, _I4), np.frombuffer(body.shown, _I4)
    scores = np.frombuffer(body.scores, _F4)
    propensities, shown_as = np.frombuffer(body.propensities, _F4), np.frombuffer(body.shown_as, _F4)
    features = np.frombuffer(body.features, _F2)
    if len(scores) not in (0, len(rows)) or len(propensities) not in (0, len(rows)):
        raise ValueError(f"{len(rows)} rows, {len(scores)} scores, {len(propensities)} propensities")
    if len(shown_as) not in (0, len(shown)):
        raise ValueError(f"{len(shown)} rows shown, {len(shown_as)} propensities")
    if len(features) > len(rows) * body.columns or (body.columns and len(features) % body.columns):
        raise ValueError(f"{len(features)} features for {len(rows)} rows of {body.columns}")
    return KeptSlate(
        slate_id=body.slate_id,
        ts=body.ts,
        arm=body.arm,
        model=body.model,
        rows=rows,
        scores=scores,
        propensities=propensities,
        features=features.reshape(-1, body.columns) if len(features) else NO_FEATURES,
        names=body.names,
        shown_ms=body.shown_ms,
        shown=shown,
        shown_as=shown_as,
        surface=body.surface,
        answers=tuple(body.answers),
        closed_ms=body.closed_ms,
    )
