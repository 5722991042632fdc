"""What one batch tells the other processes, as one ledger entry: columns of bytes in msgpack.

Workers of two neighbouring builds share one ledger while they are upgraded: an entry of a former version is
read (`MIGRATIONS`), one of a newer version is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec
import numpy as np
from numpy.typing import NDArray

from model.errors import StoreError
from model.schema import F32
from streams.state.stored_format import check_version, leading_version
from streams.state.user_state import NO_ROWS, Interaction, Rows

VERSION = 2

_I4, _I8, _F8, _U2 = np.dtype("<i4"), np.dtype("<i8"), np.dtype("<f8"), np.dtype("<u2")
_F2 = np.dtype("<f2")


@dataclass(frozen=True)
class Record:
    """What a batch did to the counters and the catalog, in the order it was applied.

    `impressions`: the rows of each slate that was shown. `items`: row and encoded record of each item that
    came or changed. `heard`: row and vector of each review that speaks for an item after these (kept as
    float16): not of one that had a text of its own then, or got one later in the batch.
    `activate`: the model to switch to ("": none).
    """

    interactions: list[Interaction] = field(default_factory=list)
    impressions: list[Rows] = field(default_factory=list)
    heard: list[tuple[int, F32]] = field(default_factory=list)
    items: list[tuple[int, bytes]] = field(default_factory=list)
    activate: str = ""

    def __bool__(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.interactions or self.impressions or self.heard or self.items or self.activate)


class _Packed(msgspec.Struct, array_like=True):
    """Version 2. Lists of rows lie end to end, with their lengths beside them."""

    version: int
    row: bytes
    ts: bytes
    action: bytes
    rating: bytes
    tied: bytes
    previous: bytes
    previous_lengths: bytes
    shown: bytes
    shown_lengths: bytes
    heard_rows: bytes
    heard_words: list[bytes]
    item_rows: bytes
    item_records: list[bytes]
    activate: str
    # Builds before these two pass over them, and write none.
    following: bytes = b""
    following_lengths: bytes = b""


class _PackedV1(msgspec.Struct, array_like=True):
    """Version 1: it tells nothing of what reviews say of items."""

    version: int
    row: bytes
    ts: bytes
    action: bytes
    rating: bytes
    tied: bytes
    previous: bytes
    previous_lengths: bytes
    shown: bytes
    shown_lengths: bytes
    item_rows: bytes
    item_records: list[bytes]
    activate: str


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Packed)
_decoder_v1 = msgspec.msgpack.Decoder(_PackedV1)


def encode_record(record: Record) -> bytes:
    """A record as the payload of a ledger entry."""
    done = record.interactions
    previous, previous_lengths = _flatten([interaction.previous for interaction in done])
    shown, shown_lengths = _flatten(record.impressions)
    late = any(len(interaction.following) for interaction in done)
    following, following_lengths = _flatten([each.following for each in done]) if late else (b"", b"")
    return _encoder.encode(
        _Packed(
            version=VERSION,
            row=np.array([interaction.row for interaction in done], _I4).tobytes(),
            ts=np.array([interaction.ts for interaction in done], _I8).tobytes(),
            action=bytes([interaction.action for interaction in done]),
            rating=np.array([interaction.rating for interaction in done], _F8).tobytes(),
            tied=np.array([interaction.tied for interaction in done], _U2).tobytes(),
            previous=previous,
            previous_lengths=previous_lengths,
            shown=shown,
            shown_lengths=shown_lengths,
            heard_rows=np.array([row for row, _ in record.heard], _I4).tobytes(),
            heard_words=[words.astype(_F2).tobytes() for _, words in record.heard],
            item_rows=np.array([row for row, _ in record.items], _I4).tobytes(),
            item_records=[packed for _, packed in record.items],
            activate=record.activate,
            following=following,
            following_lengths=following_lengths,
        )
    )


def decode_record(payload: bytes) -> Record:
    """The record that `encode_record` of this build or of a former one packed; `StoreError` for anything
    else.
    """
    try:
        version = leading_version(payload)
        check_version("ledger entry", version, VERSION)
        packed = MIGRATIONS[version](payload) if version in MIGRATIONS else _decoder.decode(payload)
        columns = zip(
            np.frombuffer(packed.row, _I4).tolist(),
            np.frombuffer(packed.ts, _I8).tolist(),
            packed.action,
            np.frombuffer(packed.rating, _F8).tolist(),
            _split(packed.previous, packed.previous_lengths),
            np.frombuffer(packed.tied, _U2).tolist(),
            _split(packed.following, packed.following_lengths)
            if packed.following_lengths
            else [NO_ROWS] * len(packed.action),
            strict=True,
        )
        return Record(
            interactions=[Interaction(*column) for column in columns],
            impressions=_split(packed.shown, packed.shown_lengths),
            heard=[
                (row, np.frombuffer(words, _F2).astype(np.float32))
                for row, words in zip(
                    np.frombuffer(packed.heard_rows, _I4).tolist(), packed.heard_words, strict=True
                )
            ],
            items=list(zip(np.frombuffer(packed.item_rows, _I4).tolist(), packed.item_records, strict=True)),
            activate=packed.activate,
        )
    except (msgspec.MsgspecError, ValueError) as error:
        raise StoreError(f"ledger entry of {len(payload)} bytes can't be read: {error}") from None


def _from_v1(payload: bytes) -> _Packed:
    """No review is heard."""
    old = _decoder_v1.decode(payload)
    return _Packed(
        version=VERSION,
        row=old.row,
        ts=old.ts,
        action=old.action,
        rating=old.rating,
        tied=old.tied,
        previous=old.previous,
        previous_lengths=old.previous_lengths,
        shown=old.shown,
        shown_lengths=old.shown_lengths,
        heard_rows=b"",
        heard_words=[],
        item_rows=old.item_rows,
        item_records=old.item_records,
        activate=old.activate,
    )


# From a former version's payload to the present columns. An entry stays for as long as a ledger may hold it.
MIGRATIONS: dict[int, Callable[[bytes], _Packed]] = {1: _from_v1}


def _flatten(parts: list[Rows]) -> tuple[bytes, bytes]:
    if not parts:
        return b"", b""
    rows: NDArray[np.int32] = np.concatenate(parts)
    return rows.astype(_I4, copy=False).tobytes(), np.array([len(part) for part in parts], _U2).tobytes()


def _split(rows: bytes, lengths: bytes) -> list[Rows]:
    flat = np.frombuffer(rows, _I4)
    ends = np.frombuffer(lengths, _U2).cumsum(dtype=np.int64).tolist()
    if (ends[-1] if ends else 0) != len(flat):
        raise ValueError(f"{len(flat)} rows for lists that end at {ends[-1] if ends else 0}")
    return [flat[start:end] for start, end in zip([0, *ends], ends, strict=False)]
