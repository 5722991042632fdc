"""The universal sentence encoder's int8 graph (`graph.py`) as compiled code, for processors with VNNI.

onnxruntime takes a text at a time through 153 nodes, and reads 4.5 MB of weights for each. Here several texts
go through together and read them once, and each is quantised by itself: a text's vector never depends on the
texts around it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from export.forward.kernel import kernel
from export.universal.layers import (
    FOUR,
    bounds,
    multiply_bytes,
    multiply_floats,
    normed,
    quantise,
    scaled,
    step_of,
)
from export.universal.sizes import CHUNKS, DIM, HEARD, INNER, LEFT, PART, TOKEN
from export.universal.tiles import ROWS, Words
from export.universal.weights import BEGIN
from model.schema import F32

WIDTHS = tuple(LEFT)
LEFTS = tuple(LEFT.values())


@kernel
def forward(
    tokens: NDArray[np.int64],
    first: NDArray[np.int64],
    table: NDArray[np.uint8],
    words: Words,
    epsilon: np.float32,
    vectors: F32,
) -> None:
    """tokens of all texts, end to end; those of text b from first[b] on, int64 [texts + 1]. Writes vectors
    float32 [texts, DIM], of length one. No text is empty.
    """
    floats = words.view(np.float32)
    texts = len(first) - 1
    room = np.zeros((len(tokens) + ROWS) * HEARD, np.int32)
    heard = room.view(np.float32).reshape(-1, HEARD)
    for k in range(len(tokens)):
        chunk = tokens[k] % CHUNKS
        step, low = floats[chunk], floats[CHUNKS + chunk]
        said, bits = heard[k, :TOKEN], table[tokens[k]]
        for j in range(TOKEN):
            said[j] = np.float32(bits[j]) * step + low
    at = _projected(room, heard, len(tokens), words, floats, BEGIN, epsilon)
    for part in range(len(WIDTHS)):
        for _ in range(2):
            at = _convolved(heard, TOKEN + part * PART, first, WIDTHS[part], LEFTS[part], words, floats, at)
    totals = np.zeros((texts, HEARD), np.float32)
    scale, offset = floats[at : at + HEARD], floats[at + HEARD : at + 2 * HEARD]
    at += 2 * HEARD
    for b in range(texts):
        total = totals[b]
        for k in range(first[b], first[b + 1]):
            row = heard[k]
            normed(row, scale, offset, epsilon, row)
            for j in range(HEARD):
                total[j] += row[j]
    mean, at = _times(totals, words, floats, at, DIM)
    for b in range(texts):
        length = np.float32(first[b + 1] - first[b])
        for j in range(DIM):
            mean[b, j] = (mean[b, j] + length * floats[at + j]) / np.sqrt(length)
    at += DIM
    _layers(mean, words, floats, at, epsilon, vectors)


@kernel
def _projected(
    room: Words, heard: F32, tokens: int, words: Words, floats: F32, at: int, epsilon: np.float32
) -> int:
    """Writes what the convolutions begin with behind each token's vector. Returns where the weights go on."""
    wide = len(WIDTHS) * PART
    product = np.empty((tokens + ROWS) * wide, np.int32)
    multiply_floats(room, HEARD, tokens, TOKEN, words, at, wide, product)
    rows = product.view(np.float32).reshape(-1, wide)
    at += TOKEN * wide
    bias, scale = floats[at : at + wide], floats[at + wide : at + 2 * wide]
    offset = floats[at + 2 * wide : at + 3 * wide]
    for k in range(tokens):
        row = rows[k]
        for j in range(wide):
            row[j] += bias[j]
        normed(row, scale, offset, epsilon, heard[k, TOKEN:])
    return at + 3 * wide


@kernel
def _convolved(
    heard: F32,
    begin: int,
    first: NDArray[np.int64],
    width: int,
    left: int,
    words: Words,
    floats: F32,
    at: int,
) -> int:
    """One layer over `width` tokens, added to what it reads: the columns from `begin` on. Around each text
    lie rows of zero, so the tokens that a place reads are one row of memory. Returns where the weights go on.
    """
    texts, around = len(first) - 1, width - 1
    rows = first[texts] + texts * around
    levels = np.zeros((rows + width + ROWS, PART), np.uint8)
    steps, zeros = np.empty(texts, np.float32), np.empty(texts, np.float32)
    for b in range(texts):
        low, high = np.float32(0.0), np.float32(0.0)
        for k in range(first[b], first[b + 1]):
            its_low, its_high = bounds(heard[k, begin : begin + PART])
            low, high = min(low, its_low), max(high, its_high)
        steps[b], zeros[b] = step_of(low, high)
        levels[first[b] + b * around : first[b + 1] + (b + 1) * around] = np.uint8(zeros[b])
        for k in range(first[b], first[b + 1]):
            inside = heard[k, begin : begin + PART]
            quantise(inside, steps[b], zeros[b], levels[k + b * around + left])
    inner = width * PART // FOUR
    product = np.empty((rows + ROWS) * PART, np.int32)
    multiply_bytes(levels.reshape(-1).view(np.int32), PART // FOUR, rows, inner, words, at, PART, product)
    sums = product.reshape(-1, PART)
    at += inner * PART
    scales, column_sums = floats[at : at + PART], words[at + PART : at + 2 * PART]
    bias = floats[at + 2 * PART : at + 3 * PART]
    row = np.empty(PART, np.float32)
    for b in range(texts):
        for k in range(first[b], first[b + 1]):
            scaled(sums[k + b * around], steps[b], zeros[b], scales, column_sums, row)
            inside = heard[k, begin : begin + PART]
            for j in range(PART):
                inside[j] += max(row[j] + bias[j], np.float32(0.0))
    return at + 3 * PART


@kernel
def _times(given: F32, words: Words, floats: F32, at: int, columns: int) -> tuple[F32, int]:
    """Each row times an int8 weight, and where the weights go on."""
    rows, size = given.shape
    levels = np.zeros((rows + ROWS, size), np.uint8)
    steps, zeros = np.empty(rows, np.float32), np.empty(rows, np.float32)
    for b in range(rows):
        low, high = bounds(given[b])
        steps[b], zeros[b] = step_of(low, high)
        quantise(given[b], steps[b], zeros[b], levels[b])
    inner = size // FOUR
    product = np.empty((rows + ROWS) * columns, np.int32)
    multiply_bytes(levels.reshape(-1).view(np.int32), inner, rows, inner, words, at, columns, product)
    at += inner * columns
    out = np.empty((rows, columns), np.float32)
    sums = product.reshape(-1, columns)
    for b in range(rows):
        scales, column_sums = floats[at : at + columns], words[at + columns : at + 2 * columns]
        scaled(sums[b], steps[b], zeros[b], scales, column_sums, out[b])
    return out, at + 2 * columns


@kernel
def _layers(mean: F32, words: Words, floats: F32, at: int, epsilon: np.float32, vectors: F32) -> None:
    """Four layers with shortcuts, and length one."""
    nothing = np.float32(0.0)
    first, at = _times(mean, words, floats, at, INNER)
    shortcut, at = _times(mean, words, floats, at, INNER)
    inside, at = _times(np.maximum(first, nothing), words, floats, at, INNER)
    second = np.maximum(shortcut + inside, nothing)
    third, at = _times(second, words, floats, at, DIM)
    shortcut, at = _times(second, words, floats, at, DIM)
    inside, at = _times(np.maximum(third, nothing), words, floats, at, DIM)
    for b in range(len(vectors)):
        squares = nothing
        for j in range(DIM):
            vectors[b, j] = np.tanh(shortcut[b, j] + inside[b, j])
            squares += vectors[b, j] * vectors[b, j]
        length = np.sqrt(max(squares, epsilon))
        for j in range(DIM):
            vectors[b, j] /= length
