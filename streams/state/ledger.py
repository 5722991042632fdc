"""What one batch tells the other processes, as one ledger entry: columns of bytes in msgpack.

Workers of two neighbouring builds share one ledger while they are upgraded: an entry of a former version is
read (`MIGRATIONS`), one of a newer version is refused.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec
import numpy as np

from model.errors import StoreError
from model.schema import F32
from streams.state.ledger_layout import VERSION, Packed, flatten, nothing, split
from streams.state.ledger_migrations import MIGRATIONS
from streams.state.opinion import Opinion
from streams.state.opinion import packed as packed_opinion
from streams.state.opinion import unpacked as unpacked_opinion
from streams.state.stored_format import check_version, leading_version
from streams.state.user_state import NO_ROWS, Interaction, Rows

_I4, _I8, _F8, _U2 = np.dtype("<i4"), np.dtype("<i8"), np.dtype("<f8"), np.dtype("<u2")
_F2, _F4 = np.dtype("<f2"), np.dtype("<f4")


NO_PROPENSITIES: F32 = np.empty(0, np.float32)


class Showing(NamedTuple):
    """An impression that counted: `rows`, int32 [n], are those that it was the first to show of its slate.

    `propensities` float32 [n], NaN where not told; empty where none was.
    """

    rows: Rows
    user: str = ""
    slate_id: str = ""
    arm: str = ""
    propensities: F32 = NO_PROPENSITIES


@dataclass(frozen=True)
class Record:
    """What a batch did to the counters and the catalog, in the order it was applied.

    `impressions`: the slates that were shown. `lessons`: those that were closed, packed
    (`streams.learning.lesson`). `items`: row and encoded record of each item that
    came or changed. `heard`: row and vector of each review that speaks for an item after these (kept as
    float16): not of one that had a text of its own then, or got one later in the batch.
    `activate`: the model to switch to ("": none). `opinions`: row and opinion of each review that was read
    for one; all of them are read by the same. `forgotten`: users who were deleted, by the digests of their
    ids (`streams.state.tombstone`); what the record says besides came after that.
    """

    interactions: list[Interaction] = field(default_factory=list)
    impressions: list[Showing] = field(default_factory=list)
    lessons: list[bytes] = field(default_factory=list)
    heard: list[tuple[int, F32]] = field(default_factory=list)
    items: list[tuple[int, bytes]] = field(default_factory=list)
    activate: str = ""
    opinions: list[tuple[int, Opinion]] = field(default_factory=list)
    forgotten: list[bytes] = field(default_factory=list)

    def __bool__(self) -> bool:
        """Whether there is anything to tell."""
        return bool(
            self.interactions
            or self.impressions
            or self.lessons
            or self.heard
            or self.items
            or self.activate
            or self.forgotten
        )


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Packed)


def encode_record(record: Record) -> bytes:
    """A record as the payload of a ledger entry."""
    packed = nothing()  # most records have one event: what there is none of costs nothing
    if record.interactions:
        _put_interactions(packed, record.interactions)
    if record.impressions:
        _put_showings(packed, record.impressions)
    if record.heard:
        packed.heard_rows = _column("i", [row for row, _ in record.heard])
        packed.heard_words = [words.astype(_F2).tobytes() for _, words in record.heard]
    if record.items:
        packed.item_rows = _column("i", [row for row, _ in record.items])
        packed.item_records = [raw for _, raw in record.items]
    if record.opinions:
        packed.opinion_rows = _column("i", [row for row, _ in record.opinions])
        packed.opinions = [packed_opinion(opinion) for _, opinion in record.opinions]
        packed.opinions_by = record.opinions[0][1].by
    packed.activate, packed.lessons, packed.forgotten = record.activate, record.lessons, record.forgotten
    return _encoder.encode(packed)


def _put_interactions(packed: Packed, interactions: Sequence[Interaction]) -> None:
    """Their columns; those of where they came from only where one of them says so."""
    columns: Any = zip(*interactions, strict=True)
    done: Any = Interaction(*columns)  # whose fields hold all of theirs, in order
    packed.row, packed.ts = _column("i", done.row), _column("q", done.ts)
    packed.tied = _column("H", done.tied)
    packed.action, packed.rating = bytes(done.action), _column("d", done.rating)
    packed.previous, packed.previous_lengths = flatten(done.previous)
    if any(map(len, done.following)):
        packed.following, packed.following_lengths = flatten(done.following)
    packed.slate_ids, packed.users = _unless_empty(done.slate_id), _unless_empty(done.user)
    packed.surfaces, packed.arms = _unless_empty(done.surface), _unless_empty(done.arm)
    if max(done.position) >= 0:
        packed.positions = _column("i", done.position)
    if not all(map(math.isnan, done.value)):
        packed.values = _column("d", done.value)
    if done.share.count(1.0) < len(interactions):
        packed.shares = _column("d", done.share)


def _put_showings(packed: Packed, showings: Sequence[Showing]) -> None:
    packed.shown, packed.shown_lengths = flatten([each.rows for each in showings])
    packed.shown_to = [each.user for each in showings]
    packed.shown_slates = [each.slate_id for each in showings]
    packed.shown_arms = [each.arm for each in showings]
    packed.propensities = _propensities(showings)


def _column(kind: str, numbers: Sequence[float]) -> bytes:
    """Numbers of a kind of `struct`. Most records have one interaction, for which an array of numpy is dear.

    >>> _column("i", [1, -1]).hex(), _column("q", [])
    ('01000000ffffffff', b'')
    """
    return struct.pack(f"<{len(numbers)}{kind}", *numbers)


def _unless_empty(texts: Sequence[str]) -> list[str]:
    return list(texts) if any(texts) else []


def _propensities(showings: Sequence[Showing]) -> bytes:
    """Of all rows that were shown, end to end; NaN where not told; b"" where none is."""
    if not any(len(each.propensities) for each in showings):
        return b""
    told = [
        each.propensities if len(each.propensities) else np.full(len(each.rows), np.nan, np.float32)
        for each in showings
    ]
    return np.concatenate(told).astype(_F4).tobytes()


def decode_record(payload: bytes) -> Record:
    """The record that `encode_record` of this build or of a former one packed; `StoreError` for anything
    else.
    """
    try:
        packed = _unpacked(payload)
        columns = zip(
            np.frombuffer(packed.row, _I4).tolist(),
            np.frombuffer(packed.ts, _I8).tolist(),
            packed.action,
            np.frombuffer(packed.rating, _F8).tolist(),
            split(packed.previous, packed.previous_lengths),
            np.frombuffer(packed.tied, _U2).tolist(),
            split(packed.following, packed.following_lengths)
            if packed.following_lengths
            else [NO_ROWS] * len(packed.action),
            packed.slate_ids or [""] * len(packed.action),
            np.maximum(np.frombuffer(packed.positions, _I4), -1).tolist()
            if packed.positions
            else [-1] * len(packed.action),
            np.frombuffer(packed.values, _F8).tolist() if packed.values else [math.nan] * len(packed.action),
            packed.surfaces or [""] * len(packed.action),
            packed.arms or [""] * len(packed.action),
            np.frombuffer(packed.shares, _F8).tolist() if packed.shares else [1.0] * len(packed.action),
            packed.users or [""] * len(packed.action),
            strict=True,
        )
        return Record(
            interactions=[Interaction(*column) for column in columns],
            impressions=_showings(packed),
            lessons=packed.lessons,
            heard=[
                (row, np.frombuffer(words, _F2).astype(np.float32))
                for row, words in zip(
                    np.frombuffer(packed.heard_rows, _I4).tolist(), packed.heard_words, strict=True
                )
            ],
            items=list(zip(np.frombuffer(packed.item_rows, _I4).tolist(), packed.item_records, strict=True)),
            activate=packed.activate,
            opinions=[
                (row, unpacked_opinion(raw, packed.opinions_by))
                for row, raw in zip(
                    np.frombuffer(packed.opinion_rows, _I4).tolist(), packed.opinions, strict=True
                )
            ],
            forgotten=packed.forgotten,
        )
    except (msgspec.MsgspecError, ValueError) as error:
        raise _unreadable(payload, error) from None


def lessons_in(payload: bytes) -> list[bytes]:
    """The `lessons` of the record in `payload`, and nothing else of it; `StoreError` as `decode_record`."""
    try:
        return _unpacked(payload).lessons
    except (msgspec.MsgspecError, ValueError) as error:
        raise _unreadable(payload, error) from None


def _unpacked(payload: bytes) -> Packed:
    """The columns of an entry of this version or a former one."""
    version = leading_version(payload)
    check_version("ledger entry", version, VERSION)
    return MIGRATIONS[version](payload) if version in MIGRATIONS else _decoder.decode(payload)


def _unreadable(payload: bytes, error: Exception) -> StoreError:
    return StoreError(f"ledger entry of {len(payload)} bytes can't be read: {error}")


def _showings(packed: Packed) -> list[Showing]:
    rows = split(packed.shown, packed.shown_lengths)
    nobody = [""] * len(rows)
    told = [NO_PROPENSITIES] * len(rows)
    if packed.propensities:
        flat = np.frombuffer(packed.propensities, _F4)
        ends = np.cumsum([len(each) for each in rows]).tolist()
        if len(flat) != ends[-1]:
            raise ValueError(f"{len(flat)} propensities for {ends[-1]} rows that were shown")
        told = [flat[start:end] for start, end in zip([0, *ends], ends, strict=False)]
        told = [NO_PROPENSITIES if np.isnan(each).all() else each for each in told]
    columns = (rows, packed.shown_to or nobody, packed.shown_slates or nobody, packed.shown_arms or nobody)
    return [Showing(*each) for each in zip(*columns, told, strict=True)]
