"""One pass for a page, against a sort of everything."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from streams.ranking.lists.in_order import next_rows

few = st.sampled_from([0.0, 1.0, 2.0, 2.5, 1e300, math.nan, -1.0])


def sorted_rows(values: NDArray[np.float64], blocked: NDArray[np.uint8], upwards: bool) -> list[int]:
    rows = [row for row in range(len(values)) if values[row] > 0.0 and not blocked[row]]
    return sorted(rows, key=lambda row: (-values[row], row if upwards else -row))


def page(
    values: NDArray[Any], blocked: NDArray[np.uint8], last: tuple[float, int], upwards: bool, n: int
) -> list[int]:
    found = np.empty(n, np.int32)
    count = next_rows(values, blocked, *last, upwards, found)
    rows: list[int] = found[:count].tolist()
    return rows


@given(st.lists(few, max_size=40), st.data(), st.booleans(), st.integers(0, 9))
def test_pages_are_those_of_a_sort(drawn: list[float], data: st.DataObject, upwards: bool, n: int) -> None:
    values = np.array(drawn, np.float64)
    mask = data.draw(st.lists(st.integers(0, 1), min_size=len(values), max_size=len(values)))
    blocked = np.array(mask, np.uint8)
    whole = sorted_rows(values, blocked, upwards)
    last, seen = (math.inf, -1), list[int]()
    while rows := page(values, blocked, last, upwards, n):
        seen += rows
        last = (float(values[rows[-1]]), rows[-1])
    assert seen == (whole if n else [])


@pytest.mark.parametrize("upwards", [True, False])
@pytest.mark.parametrize("rises", [True, False])
def test_whole_numbers_and_columns_of_a_table_are_as_good(upwards: bool, rises: bool) -> None:
    table = np.zeros((1_000, 3))
    table[:, 1] = np.arange(1, 1_001) if rises else np.arange(1_000, 0, -1)
    blocked = np.zeros(1_200, np.uint8)
    expected = list(range(999, 989, -1)) if rises else list(range(10))
    for values in (table[:, 1], table[:, 1].astype(np.int64), np.ascontiguousarray(table[:, 1])):
        assert page(values, blocked, (math.inf, -1), upwards, 10) == expected
