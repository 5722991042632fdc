"""The learner's state as bytes: names and numbers in msgpack, arrays as they lie in memory, no pickle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from model.errors import StoreError
from streams.state.stored_format import decoded_by_head

VERSION = 1
Arrays = Mapping[str, NDArray[Any]]


class PackedLevel(msgspec.Struct, array_like=True):
    """`taught`: the number of the last lesson that it took. `arrays`: little-endian, by name. `river`: the
    states of river's experts, by name.
    """

    taught: int
    arrays: dict[str, bytes]
    river: dict[str, bytes]


class PackedLearner(msgspec.Struct, array_like=True):
    """Version 1. `levels`: by their names, the global one first. `first`: by kind of level, the first name
    that was met; `several`: the kinds of which two were. `pairs`: of an arm's and a segment's level, the
    weights of the mixture of both, and the number of its last lesson.
    """

    version: int
    experts: list[str]
    signals: list[str]
    counts: dict[str, int]
    arrays: dict[str, bytes]
    levels: dict[str, PackedLevel]
    first: dict[str, str]
    several: list[str]
    pairs: list[tuple[str, str, list[float], int]]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(PackedLearner)


def packed(learner: PackedLearner) -> bytes:
    """As `unpacked` reads it."""
    return _encoder.encode(learner)


def unpacked(raw: bytes) -> PackedLearner:
    """What was packed, or `StoreError`."""
    return decoded_by_head("learner", _decoder, raw, VERSION)


def pack_arrays(arrays: Arrays) -> dict[str, bytes]:
    """Copies of arrays, little-endian."""
    return {name: value.astype(value.dtype.newbyteorder("<")).tobytes() for name, value in arrays.items()}


def put_arrays(what: str, arrays: Arrays, data: Mapping[str, bytes]) -> None:
    """Fill arrays with what `pack_arrays` made of them; `StoreError` where it is of other ones."""
    if set(data) != set(arrays):
        raise StoreError(f"{what} has {sorted(data)}; expected {sorted(arrays)}: use the build that wrote it")
    for name, value in arrays.items():
        raw = data[name]
        if len(raw) != value.nbytes:
            raise StoreError(
                f"{what}: {name} has {len(raw)} bytes; expected {value.nbytes}: something changed it, or"
                " other settings made it"
            )
        value[...] = np.frombuffer(raw, value.dtype.newbyteorder("<")).reshape(value.shape)
