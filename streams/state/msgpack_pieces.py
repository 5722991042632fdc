"""MessagePack that is put together of pieces, so that what is large is not copied to be encoded.

The encoder of msgspec makes one block of bytes, and holds the interpreter's lock while it copies hundreds of
megabytes into it. Here a header says how long the bytes are that follow, and these follow as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.errors import StoreError

Piece = bytes | memoryview


def array_header(length: int) -> bytes:
    """What stands before the elements of an array.

    >>> array_header(3), array_header(16)
    (b'\\x93', b'\\xdc\\x00\\x10')
    """
    return _header(length, 0x90, 0xDC)


def map_header(length: int) -> bytes:
    """What stands before the keys and values of a map."""
    return _header(length, 0x80, 0xDE)


def binary(*parts: Piece) -> Sequence[Piece]:
    """The parts as one run of bytes; each of them in units of one byte.

    >>> b"".join(binary(b"ab", b"c"))
    b'\\xc4\\x03abc'

    Raises `StoreError` where they are longer than MessagePack can say.
    """
    length = sum(map(len, parts))
    if length >= 1 << 32:
        raise StoreError(
            f"{length} bytes don't fit into one field of a snapshot (4 GiB at most);"
            " lower counters.max_pairs, or split the catalog"
        )
    size = 0 if length < 1 << 8 else 1 if length < 1 << 16 else 2
    return [bytes([0xC4 + size]) + length.to_bytes(1 << size, "big"), *parts]


def bytes_of(column: NDArray[Any]) -> memoryview:
    """The memory of a column, in units of one byte."""
    return np.ascontiguousarray(column).reshape(-1).view(np.uint8).data


def _header(length: int, small: int, large: int) -> bytes:
    return bytes([small | length]) if length < 16 else bytes([large]) + length.to_bytes(2, "big")
