"""What is done with each number by itself, or with two or three of different arrays."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from export.forward.instructions import (
    ADD,
    COPY,
    DIV,
    FIRST,
    GREATER,
    KIND,
    MAX,
    MIN,
    MUL,
    OUT,
    SECOND,
    SIGMOID,
    SIZES,
    SQRT,
    SUB,
    TANH,
    THIRD,
)  # fmt: skip
from export.forward.intrinsics import exp
from export.forward.kernel import kernel
from export.forward.row_intrinsics import copy_row
from model.schema import F32

ONE, TWO, ZERO = np.float32(1.0), np.float32(2.0), np.float32(0.0)
CLOSE = np.uint64(1)
"""The step of numbers that lie one after the other."""


@kernel
def of_one(i: NDArray[np.uint64], arena: F32) -> None:
    """A function of each number."""
    kind, n, step = i[KIND], i[SIZES + 2], i[FIRST + 3]
    for first in range(i[SIZES]):
        for second in range(i[SIZES + 1]):
            out = i[OUT] + first * i[OUT + 1] + second * i[OUT + 2]
            x = i[FIRST] + first * i[FIRST + 1] + second * i[FIRST + 2]
            if kind == COPY:
                if step == CLOSE:
                    copy_row(arena, x, out, n)
                else:
                    for j in range(n):
                        arena[out + j] = arena[x + j * step]
            elif kind == SIGMOID:
                for j in range(n):
                    arena[out + j] = ONE / (ONE + exp(-arena[x + j]))
            elif kind == TANH:
                for j in range(n):
                    arena[out + j] = ONE - TWO / (exp(TWO * arena[x + j]) + ONE)
            elif kind == SQRT:
                for j in range(n):
                    arena[out + j] = np.float32(math.sqrt(arena[x + j]))
            else:
                for j in range(n):
                    arena[out + j] = np.float32(math.erf(arena[x + j]))


@kernel
def of_two(i: NDArray[np.uint64], arena: F32) -> None:
    """Two numbers become one. The second lies as close as the first, or is one number for the whole row."""
    kind, n, close = i[KIND], i[SIZES + 2], i[SECOND + 3] == CLOSE
    for first in range(i[SIZES]):
        for second in range(i[SIZES + 1]):
            out = i[OUT] + first * i[OUT + 1] + second * i[OUT + 2]
            x = i[FIRST] + first * i[FIRST + 1] + second * i[FIRST + 2]
            y = i[SECOND] + first * i[SECOND + 1] + second * i[SECOND + 2]
            if close:
                _close(kind, arena, out, x, y, n)
            else:
                _with_number(kind, arena, out, x, arena[y], n)


@kernel
def _close(kind: int, arena: F32, out: np.uint64, x: np.uint64, y: np.uint64, n: np.uint64) -> None:
    if kind == ADD:
        for j in range(n):
            arena[out + j] = arena[x + j] + arena[y + j]
    elif kind == SUB:
        for j in range(n):
            arena[out + j] = arena[x + j] - arena[y + j]
    elif kind == MUL:
        for j in range(n):
            arena[out + j] = arena[x + j] * arena[y + j]
    elif kind == DIV:
        for j in range(n):
            arena[out + j] = arena[x + j] / arena[y + j]
    else:
        for j in range(n):
            arena[out + j] = _compared(kind, arena[x + j], arena[y + j])


@kernel
def _with_number(kind: int, arena: F32, out: np.uint64, x: np.uint64, y: np.float32, n: np.uint64) -> None:
    if kind == ADD:
        for j in range(n):
            arena[out + j] = arena[x + j] + y
    elif kind == SUB:
        for j in range(n):
            arena[out + j] = arena[x + j] - y
    elif kind == MUL:
        for j in range(n):
            arena[out + j] = arena[x + j] * y
    elif kind == DIV:
        for j in range(n):
            arena[out + j] = arena[x + j] / y
    elif kind == MAX:
        for j in range(n):
            arena[out + j] = max(arena[x + j], y)
    else:
        for j in range(n):
            arena[out + j] = _compared(kind, arena[x + j], y)


@kernel
def _compared(kind: int, x: np.float32, y: np.float32) -> np.float32:
    if kind == MAX:
        return max(x, y)
    if kind == MIN:
        return min(x, y)
    if kind == GREATER:
        return ONE if x > y else ZERO
    return ONE if x == y else ZERO


@kernel
def of_three(i: NDArray[np.uint64], arena: F32) -> None:
    """The second number where the first is not zero, and the third elsewhere."""
    for first in range(i[SIZES]):
        for second in range(i[SIZES + 1]):
            out = i[OUT] + first * i[OUT + 1] + second * i[OUT + 2]
            x = i[FIRST] + first * i[FIRST + 1] + second * i[FIRST + 2]
            y = i[SECOND] + first * i[SECOND + 1] + second * i[SECOND + 2]
            z = i[THIRD] + first * i[THIRD + 1] + second * i[THIRD + 2]
            for j in range(i[SIZES + 2]):
                yes = arena[x + j] != ZERO
                arena[out + j] = arena[y + j * i[SECOND + 3]] if yes else arena[z + j * i[THIRD + 3]]
