"""What the layers of the universal encoder compute, in compiled code.

Weights lie in one array of words (`weights.py`). Activations are quantised as ONNX's DynamicQuantizeLinear
does it, each text by itself.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from export.forward.kernel import kernel, kernel_in_any_order
from export.universal.tiles import COLUMNS, ROWS, Words, tile_of
from model.compiled import compiled_with
from model.schema import F32

BELOW = np.uint32(1 << 31)
LEVELS, FOUR = 255, 4
"""Steps of a uint8, and how many of them are one word."""

_of_numbers = compiled_with(error_model="numpy", fastmath={"nnan", "nsz", "reassoc"})
"""For what meets nothing but numbers: the least of many is then one instruction for many of them."""
_floats, _floats_of_row = tile_of(ROWS, floats=True), tile_of(1, floats=True)
_bytes, _bytes_of_row = tile_of(ROWS, floats=False), tile_of(1, floats=False)


@kernel
def multiply_floats(
    given: Words, step: int, rows: int, inner: int, words: Words, at: int, columns: int, out: Words
) -> None:
    """out [rows, columns] = given @ the float32 weight at words[at]. Row r of given begins at r * step. given
    and out have room for `ROWS` - 1 rows more.
    """
    for panel in range(0, columns, COLUMNS):
        row = 0
        while row < rows:
            a, b, to = row * step, at + panel * inner, row * columns + panel
            if row + 1 == rows:
                _floats_of_row(given, a, step, words, b, out, to, columns, inner)
            else:
                _floats(given, a, step, words, b, out, to, columns, inner)
            row += ROWS


@kernel
def multiply_bytes(
    given: Words, step: int, rows: int, inner: int, words: Words, at: int, columns: int, out: Words
) -> None:
    """The same of uint8 and an int8 weight; step and inner in words, four numbers each."""
    for panel in range(0, columns, COLUMNS):
        row = 0
        while row < rows:
            a, b, to = row * step, at + panel * inner, row * columns + panel
            if row + 1 == rows:
                _bytes_of_row(given, a, step, words, b, out, to, columns, inner)
            else:
                _bytes(given, a, step, words, b, out, to, columns, inner)
            row += ROWS


@kernel
def bounds(values: F32) -> tuple[np.float32, np.float32]:
    """The least and the largest of some numbers and 0. As whole numbers their bits have the same order: what
    is below 0 is behind all others, the least last. The compiler compares many of these at a time.
    """
    bits = values.view(np.uint32)
    ends = np.zeros(2, np.uint32)
    last, last_above = np.uint32(0), np.int32(0)
    for k in range(len(bits)):
        last = max(last, bits[k])
        last_above = max(last_above, np.int32(bits[k]))
    ends[0] = last if last > BELOW else np.uint32(0)
    ends[1] = np.uint32(last_above)
    low, high = ends.view(np.float32)
    return low, high


@kernel
def step_of(low: np.float32, high: np.float32) -> tuple[np.float32, np.float32]:
    """How far two levels are apart, and which level is 0."""
    step = (high - low) / np.float32(LEVELS) if high > low else np.float32(1.0)
    return step, np.rint(-low / step)


@_of_numbers
def quantise(values: F32, step: np.float32, zero: np.float32, out: NDArray[np.uint8]) -> None:
    """The level of each number."""
    for k in range(len(values)):
        level = min(max(np.rint(values[k] / step) + zero, np.float32(0.0)), np.float32(LEVELS))
        out[k] = np.uint8(np.int32(level))


@kernel
def scaled(
    sums: Words, step: np.float32, zero: np.float32, scales: F32, column_sums: Words, out: F32
) -> None:
    """One row of a product of levels as float32."""
    whole = np.int32(zero)
    for k in range(len(out)):
        out[k] = np.float32(sums[k] - whole * column_sums[k]) * (step * scales[k])


@kernel_in_any_order
def normed(values: F32, scale: F32, offset: F32, epsilon: np.float32, out: F32) -> None:
    """A row less its mean, by its standard deviation."""
    total, squares = np.float32(0.0), np.float32(0.0)
    count = np.float32(len(values))
    for k in range(len(values)):
        total += values[k]
    mean = total / count
    for k in range(len(values)):
        apart = values[k] - mean
        squares += apart * apart
    factor = np.float32(1.0) / np.sqrt(squares / count + epsilon)
    for k in range(len(values)):
        out[k] = (values[k] - mean) * factor * scale[k] + offset[k]
