"""The learner's state as bytes: names and numbers in msgpack, arrays as they lie in memory, no pickle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from model.errors import StoreError
from streams.state.stored_format import check_version, leading_version

VERSION = 1
F8 = np.dtype("<f8")


class PackedLearner(msgspec.Struct, array_like=True):
    """Version 1. `arrays`: little-endian float64, by name."""

    version: int
    experts: list[str]
    signals: list[str]
    counts: dict[str, int]
    arrays: dict[str, bytes]

    @classmethod
    def of(
        cls,
        experts: Sequence[str],
        signals: Sequence[str],
        counts: Mapping[str, int],
        arrays: Mapping[str, NDArray[np.float64]],
    ) -> PackedLearner:
        """What is to be packed."""
        data = {name: np.ascontiguousarray(value, F8).tobytes() for name, value in arrays.items()}
        return cls(VERSION, list(experts), list(signals), dict(counts), data)

    def array(self, name: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
        """A copy of an array; `StoreError` where it is not there or has another size."""
        raw = self.arrays.get(name)
        size = F8.itemsize * int(np.prod(shape))
        if raw is None or len(raw) != size:
            raise StoreError(
                f"learner: {name} has {'no' if raw is None else len(raw)} bytes; expected {size}: something"
                " changed the snapshot"
            )
        return np.frombuffer(raw, F8).reshape(shape).astype(np.float64)


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(PackedLearner)


def packed(learner: PackedLearner) -> bytes:
    """As `unpacked` reads it."""
    return _encoder.encode(learner)


def unpacked(raw: bytes) -> PackedLearner:
    """What was packed, or `StoreError`."""
    try:
        check_version("learner", leading_version(raw), VERSION)
        return _decoder.decode(raw)
    except msgspec.MsgspecError as error:
        raise StoreError(f"learner of {len(raw)} bytes can't be read: {error}") from None
