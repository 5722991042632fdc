"""A user's kept slates as bytes. Lossless.

    version (1) · stamp (8) · length of the index (4) · index · looks of each slate, end to end

The index is small, and all that ever changes of a slate; the looks of a slate are as they were when it was
made. The stamp is the digest of the index. So the first bytes name all the others: who compares values need
not read them whole (`streams.stores.commit.HEAD_BYTES`).

Slates of a former version are read (`MIGRATIONS`), those of a newer one are refused.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable

import msgspec

from model.errors import StoreError
from streams.learning.kept_slates import NOTHING_KEPT, Answer, KeptSlate, UserSlates, checked
from streams.learning.kept_slates_migrations import from_v1
from streams.state.stored_format import check_version

VERSION = 2

_HEAD = struct.Struct("<B8sI")
_STAMP_BYTES = 8
_LOOKS = KeptSlate.__struct_fields__.index("looks")


class _Entry(msgspec.Struct, array_like=True, gc=False):
    """A slate without its looks, which are so many bytes; the fields as in `KeptSlate`. An entry may end
    before the segment, the teams, or the trial.
    """

    slate_id: str
    ts: int
    arm: str
    model: str
    rows: tuple[int, ...]
    shown_ms: int
    shown: tuple[int, ...]
    shown_as: tuple[float, ...]
    surface: str
    answers: tuple[Answer, ...]
    closed_ms: int
    looks: int
    segment: str = ""
    teams: bytes = b""
    drafted: bytes = b""
    trial: bytes = b""


class _Index(msgspec.Struct, array_like=True, gc=False):
    """`recent` are keys of `EVENT_ID_BYTES` each, end to end. An index may end before what was seen."""

    slates: list[_Entry]
    recent: bytes
    seen: float = 0.0
    chosen: float = 0.0
    placed: bytes = b""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Index)


def encode(kept: UserSlates) -> bytes:
    """Kept slates as the bytes that `decode` reads."""
    # A tuple is written like an `_Entry`, and is made in a tenth of the time.
    entries = [
        (*msgspec.structs.astuple(slate)[:_LOOKS], len(slate.looks), *_last(slate)) for slate in kept.slates
    ]
    closed = (kept.seen, kept.chosen, kept.placed) if kept.seen else ()
    index = _encoder.encode((entries, kept.recent, *closed))
    stamp = hashlib.blake2b(index, digest_size=_STAMP_BYTES).digest()
    return b"".join([_HEAD.pack(VERSION, stamp, len(index)), index, *[slate.looks for slate in kept.slates]])


def _last(slate: KeptSlate) -> tuple[str | bytes, ...]:
    """The fields that are left out where they, and those behind them, are empty."""
    if slate.trial:
        return slate.segment, slate.teams, slate.drafted, slate.trial
    if slate.drafted:
        return slate.segment, slate.teams, slate.drafted
    if slate.teams:
        return slate.segment, slate.teams
    return (slate.segment,) if slate.segment else ()


def decode(raw: bytes | None) -> UserSlates:
    """The slates in `raw`; none for None (nothing was kept, or it has expired).

    Raises `NewerVersionError` where a newer build wrote them, `StoreError` where the bytes are no slates.
    """
    if raw is None:
        return NOTHING_KEPT
    try:
        version = raw[0]
        check_version("kept slates", version, VERSION)
        return MIGRATIONS[version](raw[1:]) if version in MIGRATIONS else _decoded(raw)
    except (msgspec.MsgspecError, ValueError, LookupError, struct.error) as error:
        raise StoreError(f"kept slates of {len(raw)} bytes can't be read: {error}") from None


# From a former version's body to what is kept.
MIGRATIONS: dict[int, Callable[[bytes], UserSlates]] = {1: from_v1}


def _decoded(raw: bytes) -> UserSlates:
    _, _, length = _HEAD.unpack_from(raw)
    at = _HEAD.size + length
    index = _decoder.decode(raw[_HEAD.size : at])
    slates = []
    for entry in index.slates:
        looks = raw[at : at + entry.looks]
        at += entry.looks
        fields = msgspec.structs.asdict(entry)
        slates.append(KeptSlate(**(fields | {"looks": looks})))
    kept = checked(UserSlates(tuple(slates), index.recent, index.seen, index.chosen, index.placed))
    if at != len(raw):
        raise ValueError(f"the index speaks of {at} bytes")
    return kept
