"""The leaders against a sort of all counts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.counters import leaders as module
from streams.counters.leaders import Leaders

ITEMS = 12
counts_of_one = st.tuples(st.integers(0, ITEMS - 1), st.sampled_from([0.0, 0.5, 1.0, 1e-30]))


def sorted_rows(counts: np.ndarray, column: int, size: int) -> list[int]:
    rows = [row for row in range(len(counts)) if counts[row, column] > 0]
    return sorted(rows, key=lambda row: (-counts[row, column], row))[:size]


@pytest.mark.parametrize("size", [1, 3, 100])
@given(history=st.lists(counts_of_one, max_size=60), again_at=st.integers(0, 60))
def test_the_order_is_that_of_a_sort_after_every_count(
    size: int, history: list[tuple[int, float]], again_at: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "SIZE", size)
        leaders, counts = Leaders(2), np.zeros((ITEMS, 2))
        expected = np.zeros((ITEMS, 2))
        for n, (row, weight) in enumerate(history):
            more = np.array([weight, weight * 1.5**n])
            if n == again_at:
                leaders = Leaders(2)
                leaders.sort(counts)
            leaders.add(counts, row, more)
            expected[row] += more
            np.testing.assert_array_equal(counts, expected)
            for column in range(2):
                assert leaders.rows(column).tolist() == sorted_rows(counts, column, size)


def test_a_sort_cuts_ties_at_the_lower_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SIZE", 3)
    leaders = Leaders(1)
    leaders.sort(np.array([[1.0], [2.0], [1.0], [1.0], [0.0]]))
    assert leaders.rows(0).tolist() == [1, 0, 2]
