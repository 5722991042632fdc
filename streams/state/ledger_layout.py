"""How a ledger entry lies in its bytes, in the present version: columns, and lists of rows end to end."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from streams.state.user_state import Rows

VERSION = 3

_I4, _U2 = np.dtype("<i4"), np.dtype("<u2")


class Packed(msgspec.Struct, array_like=True):
    """Version 3. Lists of rows lie end to end, with their lengths beside them. Columns of where interactions
    came from are empty where none of them says so, that of their shares where all count in full. Builds
    before the last columns pass over them.
    """

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
    following: bytes
    following_lengths: bytes
    slate_ids: list[str] = []
    positions: bytes = b""
    values: bytes = b""
    surfaces: list[str] = []
    arms: list[str] = []
    shown_to: list[str] = []
    shown_slates: list[str] = []
    shown_arms: list[str] = []
    propensities: bytes = b""
    lessons: list[bytes] = []
    shares: bytes = b""
    users: list[str] = []
    opinion_rows: bytes = b""
    opinions: list[bytes] = []
    opinions_by: str = ""
    forgotten: list[bytes] = []


def nothing() -> Packed:
    """An entry that tells nothing: all its columns are empty."""
    return Packed(VERSION, b"", b"", b"", b"", b"", b"", b"", b"", b"", b"", [], b"", [], "", b"", b"")


def flatten(parts: Sequence[Rows]) -> tuple[bytes, bytes]:
    """Lists of rows end to end, and their lengths."""
    if not parts:
        return b"", b""
    rows: NDArray[np.int32] = parts[0] if len(parts) == 1 else np.concatenate(parts)
    return rows.astype(_I4, copy=False).tobytes(), struct.pack(f"<{len(parts)}H", *map(len, parts))


def split(rows: bytes, lengths: bytes) -> list[Rows]:
    """The lists that `flatten` joined; `ValueError` where the lengths do not fit."""
    flat = np.frombuffer(rows, _I4)
    ends = np.frombuffer(lengths, _U2).cumsum(dtype=np.int64).tolist()
    if (ends[-1] if ends else 0) != len(flat):
        raise ValueError(f"{len(flat)} rows for lists that end at {ends[-1] if ends else 0}")
    return [flat[start:end] for start, end in zip([0, *ends], ends, strict=False)]
