"""The weights of the universal encoder's int8 graph as its compiled code reads them: one array of words.

They lie in the order in which `forward` reads them. A matrix lies in panels of `COLUMNS` columns; behind one
of int8 lie the scale and the sum of each of its columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from export.universal.sizes import CHUNKS, DIM, HEARD, INNER, LEFT, PART, TOKEN
from export.universal.tiles import COLUMNS, LANES, Words

Constants = Mapping[str, NDArray[Any]]
BEGIN = -(-2 * CHUNKS // LANES) * LANES
"""Where the first matrix begins, behind the scales and offsets of token vectors."""
ALIGNED = 64
"""Bytes: what one instruction reads then lies in one line of the cache."""
CONVOLUTIONS = {f"{layer}_{width}": (width * PART, PART) for width in LEFT for layer in "12"}
LAYERS = {
    "d0": (TOKEN, INNER), "p1": (TOKEN, INNER), "d1": (INNER, INNER), "d2": (INNER, DIM), "p3": (INNER, DIM),
    "d3": (DIM, DIM),
}  # fmt: skip


def packed_weights(constants: Constants) -> Words:
    """The words of the graph's constants. Raises `KeyError` and `ValueError` where it is another graph."""
    wide = len(LEFT) * PART
    parts = [_floats(constants, CHUNKS, "scale", "lo"), np.zeros(BEGIN - 2 * CHUNKS, np.int32)]
    parts += [packed(_shaped(constants, "proj_all", (TOKEN, wide)))]
    parts += [_floats(constants, wide, "proj_b_all", "ln_g_all", "ln_b_all")]
    for name, shape in CONVOLUTIONS.items():
        parts += [*_bytes(constants, f"w{name}", shape), _floats(constants, PART, f"b{name}")]
    parts += [_floats(constants, HEARD, "ln_g", "ln_b")]
    parts += [*_bytes(constants, "cnn_W", (HEARD, DIM)), _floats(constants, DIM, "cnn_b")]
    for name, shape in LAYERS.items():
        parts += _bytes(constants, name, shape)
    words = np.concatenate(parts)
    room = np.empty(words.nbytes + ALIGNED, np.uint8)
    begin = -room.ctypes.data % ALIGNED
    aligned = room[begin : begin + words.nbytes].view(np.int32)
    aligned[:] = words
    return aligned


def words_in_all() -> int:
    """How many words the weights of any such graph have."""
    wide = len(LEFT) * PART
    matrices = [*((*shape, 3) for shape in CONVOLUTIONS.values()), (HEARD, DIM, 3)]
    matrices += [(*shape, 2) for shape in LAYERS.values()]
    whole = sum(inner // 4 * columns + further * columns for inner, columns, further in matrices)
    return BEGIN + TOKEN * wide + 3 * wide + 2 * HEARD + whole


def packed(weight: NDArray[Any]) -> Words:
    """The words of a weight [inner, columns], float32 or int8, panel by panel: a word is one float32, or four
    int8 of a column.
    """
    each = 4 // weight.dtype.itemsize
    inner, columns = weight.shape
    parts = weight.reshape(inner // each, each, columns // COLUMNS, COLUMNS).transpose(2, 0, 3, 1)
    return np.ascontiguousarray(parts).reshape(-1).view(np.int32)


def _floats(constants: Constants, size: int, *names: str) -> Words:
    each = [_shaped(constants, name, (size,)).astype(np.float32) for name in names]
    return np.concatenate(each).view(np.int32)


def _bytes(constants: Constants, name: str, shape: tuple[int, int]) -> list[Words]:
    """An int8 weight, and the scale and the sum of each column."""
    weight = _shaped(constants, f"{name}_quantized", shape)
    if weight.dtype != np.int8 or constants[f"{name}_zero_point"].any():
        raise ValueError(f"{name} has {weight.dtype} weights, or a zero point: expected int8 without one")
    return [packed(weight), _floats(constants, shape[1], f"{name}_scale"), weight.sum(0, dtype=np.int32)]


def _shaped(constants: Constants, name: str, shape: tuple[int, ...]) -> NDArray[Any]:
    found = constants[name]
    if found.shape != shape:
        raise ValueError(f"{name} has the shape {found.shape}: expected {shape}")
    return found
