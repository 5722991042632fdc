"""Products of texts, bit by bit as a plain loop adds them up."""

from __future__ import annotations

import numpy as np
import pytest

from model.schema import F32
from model.text_products import text_products


def products(text: F32, rows: list[int], views: F32) -> F32:
    out = np.full((len(rows), len(views)), np.nan, np.float32)
    text_products(text, np.array(rows, np.int32), views, out)
    return out


def one_by_one(text: F32, rows: list[int], views: F32) -> F32:
    """One rounding for each product and each sum, in the order of the dimensions."""
    sums = np.zeros((len(rows), len(views)), np.float32)
    for d in range(text.shape[1]):
        sums += text[rows, d][:, None] * views[:, d]
    return sums


@pytest.mark.parametrize("views", [1, 2, 6, 8, 9, 17])
@pytest.mark.parametrize("rows", [0, 1, 7, 8, 9, 200])
def test_each_sum_is_that_of_a_plain_loop(views: int, rows: int) -> None:
    rng = np.random.default_rng(views * 1_000 + rows)
    text = rng.standard_normal((50, 64)).astype(np.float32)
    some = rng.integers(0, 50, rows).tolist()
    seen = rng.standard_normal((views, 64)).astype(np.float32)
    np.testing.assert_array_equal(products(text, some, seen), one_by_one(text, some, seen))


def test_a_vector_of_nothing_gives_zero() -> None:
    text = -np.ones((2, 4), np.float32)
    found = products(text, [1, 0, 1], np.zeros((3, 4), np.float32))
    assert not found.any()
    assert not np.signbit(found).any()


@pytest.mark.parametrize("dim", [1, 3, 65])
def test_any_number_of_dimensions(dim: int) -> None:
    rng = np.random.default_rng(dim)
    text, views = (rng.standard_normal((n, dim)).astype(np.float32) for n in (9, 6))
    np.testing.assert_array_equal(products(text, [8, 3], views), one_by_one(text, [8, 3], views))


def test_texts_that_lie_between_others() -> None:
    wide = np.random.default_rng(1).standard_normal((6, 10)).astype(np.float32)
    views = np.random.default_rng(2).standard_normal((6, 5)).astype(np.float32)
    between = wide[:, ::2]
    np.testing.assert_array_equal(products(between, [5, 0], views), one_by_one(between, [5, 0], views))
