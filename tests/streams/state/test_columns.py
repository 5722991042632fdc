"""Room for items to come, which costs nothing before it is used."""

from __future__ import annotations

import numpy as np
import psutil
from hypothesis import given
from hypothesis import strategies as st

from streams.state.columns import longer, room_for


@given(st.integers(0, 50), st.integers(0, 50), st.integers(1, 3))
def test_a_longer_column_begins_with_what_is_known_and_goes_on_with_zeros(
    size: int, known: int, width: int
) -> None:
    column = np.arange(1, size * width + 1, dtype=np.float32).reshape(size, width)
    known = min(known, size)
    grown = longer(column, room_for(size), known)
    assert grown.shape == (room_for(size), width)
    assert grown.dtype == column.dtype
    np.testing.assert_array_equal(grown[:known], column[:known])
    assert not grown[known:].any()
    np.testing.assert_array_equal(longer(column, room_for(size))[:size], column)


def test_items_may_double_before_a_column_is_copied_again() -> None:
    for items in (0, 1, 63, 64, 1_000, 1_000_000):
        assert room_for(items) >= max(2 * items, 64)


def test_room_that_is_not_used_takes_no_memory() -> None:
    process, column = psutil.Process(), np.ones((100_000, 4), np.float32)
    before = process.memory_info().rss
    grown = longer(column, 50_000_000)  # 800 MB
    assert process.memory_info().rss - before < 50 << 20
    assert grown[-1].sum() == 0.0
