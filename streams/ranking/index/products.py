"""Products of vectors, for compiled code."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled, compiled_with
from model.schema import F32
from streams.ranking.candidates.selection import key, row_of, take

F = TypeVar("F", bound=Callable[..., object])


def _summed(function: F) -> F:
    """As `compiled`; the compiler may choose the order in which numbers are added up, once for all inputs: a
    product is the same alone and in a batch. The order may differ from one kind of processor to another, as
    it does in a BLAS.
    """
    return compiled_with(fastmath={"reassoc", "contract"})(function)


@_summed
def product(one: F32, other: F32) -> np.float32:
    """The scalar product."""
    total = np.float32(0.0)
    for at in range(len(one)):
        total += one[at] * other[at]
    return total


@_summed
def products(rows: F32, query: F32, totals: F32) -> None:
    """The scalar products of each of rows [n, dim] with the query: totals [n]."""
    for row in range(rows.shape[0]):
        total = np.float32(0.0)
        for at in range(rows.shape[1]):
            total += rows[row, at] * query[at]
        totals[row] = total


@compiled
def rescored(
    vectors: F32,
    query: F32,
    room: NDArray[np.int32],
    least: np.float32,
    keys: NDArray[np.uint64],
    spare: NDArray[np.uint64],
    bins: NDArray[np.int64],
) -> int:
    """Put the rows among `keys` with the largest products above `least` into `room`, as many as it has place
    for; how many there are. Ties go to the lower row.
    """
    n = 0
    for k in range(len(keys)):
        row = row_of(keys[k])
        score = product(vectors[row], query)
        if score > least:
            keys[n] = key(score, row)
            n += 1
    return take(keys[:n], room, spare, bins)
