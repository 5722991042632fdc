"""Sorted rows as bytes: any set comes back, few bits are used, anything else is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from model.errors import StoreError
from streams.state.packed_rows import (
    MAX_ROWS,
    pack_sorted,
    packed_size,
    size_at_most,
    unpack_sorted,
    with_one_more,
)

LARGEST = 2**31 - 1
row_sets = st.sets(st.integers(0, LARGEST) | st.integers(0, 300), max_size=200)


@given(row_sets)
@example(set())
@example({0})
@example({LARGEST})
@example({0, LARGEST})
@example(set(range(199)) | {LARGEST})
@example(set(range(LARGEST - 199, LARGEST + 1)))
def test_any_set_of_rows_comes_back(rows: set[int]) -> None:
    expected = np.array(sorted(rows), np.int32)
    unpacked = unpack_sorted(pack_sorted(expected))
    assert unpacked.dtype == np.int32
    np.testing.assert_array_equal(unpacked, expected)
    assert len(pack_sorted(expected)) == packed_size(expected) <= size_at_most(len(rows), 1)


@given(row_sets, st.integers(0, LARGEST) | st.integers(0, 300))
def test_one_more_row_is_put_in_its_place(rows: set[int], row: int) -> None:
    before = np.array(sorted(rows), np.int32)
    grown, packed = with_one_more(before, row)
    assert before.tolist() == sorted(rows)
    assert grown.tolist() == sorted({*rows, row})
    assert (grown is before) == (row in rows)
    assert packed == (b"" if row in rows else pack_sorted(grown))


def test_more_rows_than_are_packed_are_still_a_set() -> None:
    rows = np.arange(MAX_ROWS, dtype=np.int32)
    grown, packed = with_one_more(rows, MAX_ROWS + 7)
    assert (len(grown), grown[-1], packed) == (MAX_ROWS + 1, MAX_ROWS + 7, b"")


def test_as_many_rows_as_fit_come_back() -> None:
    rows = np.arange(0, MAX_ROWS * 3, 3, dtype=np.int32)
    np.testing.assert_array_equal(unpack_sorted(pack_sorted(rows)), rows)


@pytest.mark.parametrize("catalogue", [1_024, 30_000, 1_000_000, 2**31 - 1])
def test_the_size_is_near_the_information_in_the_rows(catalogue: int) -> None:
    """A set of n out of N holds log2(N choose n) bits; Rice code needs a few percent more."""
    n = 512
    rows = np.sort(np.random.default_rng(0).choice(catalogue, n, replace=False)).astype(np.int32)
    information = (
        math.lgamma(catalogue + 1) - math.lgamma(n + 1) - math.lgamma(catalogue - n + 1)
    ) / math.log(2)
    assert 8 * len(pack_sorted(rows)) < 1.15 * information + 64


@pytest.mark.parametrize("share", [0.02, 0.1, 0.3, 0.5, 0.7, 1.0])
def test_many_rows_of_few_take_no_more_than_a_map_of_bits(share: float) -> None:
    rows = np.flatnonzero(np.random.default_rng(1).random(60_000) < share).astype(np.int32)
    assert len(pack_sorted(rows)) <= 60_000 / 8 + 4


def test_a_lone_far_row_does_not_cost_much() -> None:
    near = np.arange(500, dtype=np.int32)
    far = np.append(near, np.int32(LARGEST))
    assert len(pack_sorted(far)) < 500 * 24 / 8 + 16


@given(st.binary(max_size=60))
@example(b"\xff\xff\x00")
@example(b"\x01\x00\x1f" + bytes(8))
@example(b"\x02\x00\x00" + b"\xff" * 40)
def test_any_bytes_are_rows_or_a_store_error(packed: bytes) -> None:
    try:
        rows = unpack_sorted(packed)
    except StoreError:
        return
    assert (rows >= 0).all()
    assert (np.diff(rows.astype(np.int64)) > 0).all()


@given(row_sets.filter(bool))
def test_rows_that_were_cut_off_are_refused(rows: set[int]) -> None:
    packed = pack_sorted(np.array(sorted(rows), np.int32))
    with pytest.raises(StoreError):
        unpack_sorted(packed[:-1])
    with pytest.raises(StoreError):
        unpack_sorted(packed + b"\x00")
