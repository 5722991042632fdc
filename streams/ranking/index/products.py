"""Products of vectors, and keys that order them, for compiled code."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

from model.compiled import compiled
from model.schema import F32
from streams.ranking.candidates.selection import HALF, LOW, lowest_first

F = TypeVar("F", bound=Callable[..., object])
SIGN = np.uint32(0x8000_0000)


def _summed(function: F) -> F:
    """As `compiled`; the compiler may choose the order in which numbers are added up, once for all inputs: a
    product is the same alone and in a batch. The order may differ from one kind of processor to another, as
    it does in a BLAS.
    """
    return cast("F", njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})(function))


@_summed
def product(one: F32, other: F32) -> np.float32:
    """The scalar product."""
    total = np.float32(0.0)
    for at in range(len(one)):
        total += one[at] * other[at]
    return total


@compiled
def signed_key(score: np.float32, row: np.int32) -> np.uint64:
    """As `selection.key`, for scores of either sign: smaller for a better score, then for the lower row."""
    bits = np.float32(score).view(np.uint32)
    ordered = ~bits if bits & SIGN else bits | SIGN
    return ((LOW - np.uint64(ordered)) << HALF) | np.uint64(row)


@compiled
def score_of(key: np.uint64) -> np.float32:
    """The score in a `signed_key`."""
    ordered = np.uint32(LOW - (key >> HALF))
    return np.uint32(ordered & ~SIGN if ordered & SIGN else ~ordered).view(np.float32)


@compiled
def row_of(key: np.uint64) -> np.int32:
    """The row in a key."""
    return np.int32(key & LOW)


@compiled
def rescored(
    vectors: F32,
    query: F32,
    limit: int,
    least: np.float32,
    keys: NDArray[np.uint64],
    spare: NDArray[np.uint64],
    bins: NDArray[np.int64],
) -> NDArray[np.int32]:
    """The `limit` rows among `keys` with the largest products above `least`; ties go to the lower row."""
    n = 0
    for k in range(len(keys)):
        row = row_of(keys[k])
        score = product(vectors[row], query)
        if score > least:
            keys[n] = signed_key(score, row)
            n += 1
    n = lowest_first(keys[:n], limit, spare, bins)
    rows = np.empty(n, np.int32)
    for k in range(n):
        rows[k] = row_of(keys[k])
    return rows
