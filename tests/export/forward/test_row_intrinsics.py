"""Rows in whole vectors: the numbers are scipy's, and what lies beyond a row is neither read nor written."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import softmax as reference

from export.forward.kernel import kernel
from export.forward.row_intrinsics import copy_row, softmax
from model.schema import F32

RNG = np.random.default_rng(5)
LENGTHS = [1, 2, 3, 15, 16, 17, 31, 32, 33, 48, 50, 64, 65, 200]


@kernel
def shares(arena: F32, x: np.uint64, out: np.uint64, n: np.uint64) -> None:
    softmax(arena, x, out, n)


@kernel
def copied(arena: F32, x: np.uint64, out: np.uint64, n: np.uint64) -> None:
    copy_row(arena, x, out, n)


def around(row: F32, room: int) -> tuple[F32, np.uint64, np.uint64, np.uint64]:
    """A row among numbers that would spoil what reads them, and room for another; where both are."""
    arena = np.full(3 * 16 + len(row) + room, np.inf, np.float32)
    arena[1::2] = np.nan
    arena[16 : 16 + len(row)] = row
    return arena, np.uint64(16), np.uint64(32 + len(row)), np.uint64(len(row))


def untouched(before: F32, after: F32, out: int, n: int) -> bool:
    outside = np.ones(len(before), np.bool_)
    outside[out : out + n] = False
    return before[outside].tobytes() == after[outside].tobytes()


@pytest.mark.parametrize("n", LENGTHS)
def test_shares_of_a_row_of_any_length(n: int) -> None:
    row = RNG.normal(size=n).astype(np.float32) * np.float32(6)
    arena, x, out, size = around(row, n)
    before = arena.copy()
    shares(arena, x, out, size)
    found = arena[int(out) : int(out) + n]
    np.testing.assert_allclose(found, reference(row.astype(np.float64)), rtol=2e-6)
    assert untouched(before, arena, int(out), n)
    shares(arena, x, x, size)
    assert arena[16 : 16 + n].tobytes() == found.tobytes(), "a row may take its own place"


@pytest.mark.parametrize("n", [3, 50])
def test_what_is_masked_has_no_share(n: int) -> None:
    row = RNG.normal(size=n).astype(np.float32)
    row[1:] -= np.float32(1e4)
    arena, x, out, size = around(row, n)
    shares(arena, x, out, size)
    assert arena[int(out) : int(out) + n].tolist() == [1.0] + [0.0] * (n - 1)


def test_a_share_does_not_depend_on_where_a_row_lies() -> None:
    row: NDArray[np.float32] = RNG.normal(size=50).astype(np.float32)
    found = set()
    for shift in range(5):
        arena = np.zeros(200, np.float32)
        arena[shift : shift + 50] = row
        shares(arena, np.uint64(shift), np.uint64(100 + shift), np.uint64(50))
        found.add(arena[100 + shift : 150 + shift].tobytes())
    assert len(found) == 1


@pytest.mark.parametrize("n", LENGTHS)
def test_a_copy_of_a_row_of_any_length(n: int) -> None:
    row = RNG.normal(size=n).astype(np.float32)
    arena, x, out, size = around(row, n)
    before = arena.copy()
    copied(arena, x, out, size)
    assert arena[int(out) : int(out) + n].tobytes() == row.tobytes()
    assert untouched(before, arena, int(out), n)
