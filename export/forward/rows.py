"""What is done with the numbers of a row together: sums, shares of a softmax, one scale."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from export.forward.instructions import FIRST, KIND, MORE, NORMALISE, OUT, SECOND, SIZES, SOFTMAX, THIRD
from export.forward.kernel import kernel, kernel_in_any_order
from export.forward.row_intrinsics import softmax
from model.schema import F32

ONE = np.float32(1.0)


@kernel
def of_rows(i: NDArray[np.uint64], arena: F32) -> None:
    """One instruction."""
    kind, n, size = i[KIND], i[SIZES + 2], np.float32(i[SIZES + 2])
    scale, bias, epsilon = i[SECOND], i[THIRD], i[MORE]
    for first in range(i[SIZES]):
        for second in range(i[SIZES + 1]):
            out = i[OUT] + first * i[OUT + 1] + second * i[OUT + 2]
            x = i[FIRST] + first * i[FIRST + 1] + second * i[FIRST + 2]
            if kind == SOFTMAX:
                softmax(arena, x, out, n)
            elif kind == NORMALISE:  # Ba et al., arXiv 1607.06450
                mean = _total(arena, x, n) / size
                root = ONE / np.float32(math.sqrt(_squares(arena, x, n, mean) / size + arena[epsilon]))
                for j in range(n):
                    arena[out + j] = (arena[x + j] - mean) * root * arena[scale + j] + arena[bias + j]
            else:
                arena[out] = _total(arena, x, n)


@kernel_in_any_order
def _total(arena: F32, at: np.uint64, n: np.uint64) -> np.float32:
    found = np.float32(0.0)
    for j in range(n):
        found += arena[at + j]
    return found


@kernel_in_any_order
def _squares(arena: F32, at: np.uint64, n: np.uint64, mean: np.float32) -> np.float32:
    """The sum of the squared distances from the mean."""
    found = np.float32(0.0)
    for j in range(n):
        found += (arena[at + j] - mean) * (arena[at + j] - mean)
    return found
