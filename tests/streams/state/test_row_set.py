"""A set of rows against Python's own."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.state.row_set import RowSet

BOUND = 12
STEPS = st.lists(st.tuples(st.sampled_from(["add", "discard", "room"]), st.integers(0, BOUND - 1)))


@given(st.sets(st.integers(0, BOUND - 1)), STEPS)
def test_it_holds_what_a_set_holds(first: set[int], steps: list[tuple[str, int]]) -> None:
    rows, expected, bound = RowSet(sorted(first), BOUND), set(first), BOUND
    for what, row in steps:
        if what == "room":
            bound += row
            rows.make_room(bound)
            row = bound - 1
            what = "add"
        getattr(rows, what)(row)
        getattr(expected, what)(row)
        members = rows.members()
        assert members.dtype == np.int32
        assert len(rows) == len(members) == len(expected)
        assert set(members.tolist()) == expected
    assert [row in rows for row in range(bound)] == [row in expected for row in range(bound)]


def test_an_empty_one_has_no_rows() -> None:
    assert len(RowSet()) == 0
    assert RowSet().members().tolist() == []
