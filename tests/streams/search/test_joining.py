"""Joined rows: against sets, one by one."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.search.joining import first_free, united

ROWS = st.lists(st.integers(0, 40), unique=True, max_size=30)


@given(ROWS, ROWS)
def test_united_keeps_the_first_and_adds_the_rest_in_their_order(rows: list[int], more: list[int]) -> None:
    found = united(np.array(rows, np.int32), np.array(more, np.int32))
    assert found.tolist() == [*rows, *[row for row in more if row not in rows]]


@given(ROWS, st.lists(st.integers(0, 1), max_size=35), st.integers(1, 12))
def test_first_free_are_the_first_that_are_not_blocked(rows: list[int], mask: list[int], limit: int) -> None:
    found = first_free(np.array(rows, np.int32), np.array(mask, np.uint8), limit)
    free = [at for at, row in enumerate(rows) if row < len(mask) and not mask[row]]
    assert found.tolist() == free[:limit]
