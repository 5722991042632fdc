"""All counters as bytes and back: names and raw columns in msgpack, no pickle.

A snapshot is made of pieces, most of them the columns themselves: nothing is copied to put it together, and
whoever compresses it does so piece by piece.

What follows from the settings (the rates of decay) is written too, and compared when the counters are read:
sums that were decayed at another rate can't be continued.

A snapshot of a former version is read (`MIGRATIONS`), one of a newer version is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from model.errors import StoreError
from streams.counters.counters import Counters
from streams.counters.gradual_copy import OF_PAIRS, OF_ROWS, GradualCopy, columns_of, numbers_of, parts_of
from streams.counters.pair_kinds import KINDS
from streams.state.columns import longer, room_for
from streams.state.msgpack_pieces import Piece, array_header, binary, bytes_of, map_header
from streams.state.stored_format import check_version, leading_version

VERSION = 2


class _Column(msgspec.Struct, array_like=True):
    dtype: str
    shape: tuple[int, ...]
    data: memoryview


class _Part(msgspec.Struct, array_like=True):
    columns: dict[str, _Column]
    numbers: dict[str, int | float]


class _Packed(msgspec.Struct, array_like=True):
    version: int
    parts: dict[str, _Part]
    interactions: int


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Packed)
_FROM_SETTINGS = {"rates_per_ms", "rate_per_ms"}


def pack_counters(counters: Counters) -> bytes:
    """The counters as they are now; a copy, so that they may go on counting."""
    copy = GradualCopy(counters)
    while not copy.step():
        pass
    return b"".join(pieces_of(copy))


def pieces_of(copy: GradualCopy) -> list[Piece]:
    """The bytes of a copy that is whole, in their order."""
    parts: list[Piece] = []
    for name, columns in copy.columns.items():
        parts += [_encoder.encode(name), array_header(2), map_header(len(columns))]
        for key, value in columns.items():
            shape = _encoder.encode((value.dtype.str, value.shape))[1:]  # without its own header
            parts += [_encoder.encode(key), array_header(3), shape, *binary(bytes_of(value))]
        parts.append(_encoder.encode(copy.numbers[name]))
    whole = [array_header(3), _encoder.encode(VERSION), map_header(len(copy.columns)), *parts]
    return [*whole, _encoder.encode(copy.interactions)]


def restore_counters(counters: Counters, raw: bytes | memoryview) -> None:
    """Put what `pack_counters` of this build or of a former one packed into new counters, or raise
    `StoreError`.
    """
    try:
        version = leading_version(raw)
        check_version("counter snapshot", version, VERSION)
        packed = _decoder.decode(raw)
        while version < VERSION:
            packed = MIGRATIONS[version](packed)
            version += 1
    except (msgspec.MsgspecError, LookupError, ValueError, TypeError) as error:
        raise StoreError(f"counter snapshot of {len(raw)} bytes can't be read: {error}") from None
    parts = parts_of(counters)
    if set(parts) != set(packed.parts):
        raise StoreError(f"counter snapshot holds {sorted(packed.parts)}; expected {sorted(parts)}")
    rows = {name: _restore(name, part, packed.parts[name]) for name, part in parts.items()}
    if len(set(rows.values())) != 1:
        raise StoreError(f"counter snapshot: parts of {rows} rows; expected the same number in each")
    counters.interactions = packed.interactions
    for name, part in parts.items():
        part.restored(rows[name])


def _from_v1(packed: _Packed) -> _Packed:
    """Pairs had no count of how closely they were met: as if it had just begun."""
    columns = packed.parts["pairs"].columns
    old = columns["count"]
    counts = np.frombuffer(old.data, np.dtype(old.dtype)).reshape(old.shape)
    grown = np.pad(counts, ((0, 0), (0, KINDS - counts.shape[1])))
    columns["count"] = _Column(grown.dtype.str, grown.shape, memoryview(grown.tobytes()))
    return packed


# From a version's parts to the next one's. An entry stays for as long as a store may hold such a snapshot.
MIGRATIONS: dict[int, Callable[[_Packed], _Packed]] = {1: _from_v1}


def _restore(what: str, part: Any, packed: _Part) -> int:
    """Put a part in place; how many rows it has."""
    columns, numbers = columns_of(part), numbers_of(part)
    if set(columns) != set(packed.columns) or set(numbers) != set(packed.numbers):
        raise StoreError(
            f"counter snapshot: {what} has {sorted({*packed.columns, *packed.numbers})}; expected "
            f"{sorted({*columns, *numbers})}: use the build that wrote it"
        )
    rows = {len(_array(what, name, packed.columns[name])) for name in OF_ROWS[what]}
    if len(rows) != 1:
        raise StoreError(f"counter snapshot: {what} has columns of {sorted(rows)} rows; expected one number")
    for name, column in packed.columns.items():
        value = _array(what, name, column)
        expected = columns[name]
        if value.dtype != expected.dtype or value.shape[1:] != expected.shape[1:]:
            raise StoreError(
                f"counter snapshot: {what}.{name} is {value.dtype}{list(value.shape)}; expected"
                f" {expected.dtype}{list(expected.shape)}: use the build that wrote it"
            )
        if name in _FROM_SETTINGS:
            if not np.array_equal(value, expected):
                raise _other_settings(what, name)
        elif name in OF_PAIRS:
            setattr(part, name, longer(value, max(len(value), len(expected))))
        else:
            setattr(part, name, longer(value, room_for(len(value)) if name in OF_ROWS[what] else len(value)))
    for name, number in packed.numbers.items():
        if name not in _FROM_SETTINGS:
            setattr(part, name, number)
        elif number != numbers[name]:
            raise _other_settings(what, name)
    return rows.pop()


def _array(what: str, name: str, column: _Column) -> NDArray[Any]:
    """A view of the bytes, to be copied."""
    try:
        return np.frombuffer(column.data, np.dtype(column.dtype)).reshape(column.shape)
    except (TypeError, ValueError) as error:
        raise StoreError(f"counter snapshot: {what}.{name} can't be read: {error}") from None


def _other_settings(what: str, name: str) -> StoreError:
    return StoreError(
        f"counter snapshot: {what}.{name} differs from what the settings give; set the half-lives as they"
        " were, or use another redis.prefix to begin anew"
    )
