"""Lists of numbers by row are those that were put last, however often, and the array does not grow for it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.state.row_numbers import HOLES, RowNumbers

STEPS = st.lists(
    st.tuples(st.integers(0, 30), st.lists(st.integers(0, 2**31 - 1), max_size=40)), max_size=200
)


@given(STEPS)
def test_a_row_has_what_was_put_last(steps: list[tuple[int, list[int]]]) -> None:
    lists, known = RowNumbers(), dict[int, list[int]]()
    for row, numbers in steps:
        lists.put(row, numbers)
        known[row] = numbers
        for each, its in known.items():
            assert lists.of(each) == its
    assert lists.of(1_000) == []


def test_what_changes_all_the_time_takes_no_more_room() -> None:
    lists, known = RowNumbers(), dict[int, list[int]]()
    for turn in range(20_000):
        row = turn % 50
        known[row] = list(range(turn, turn + 1 + turn % 23))
        lists.put(row, known[row])
    assert all(lists.of(row) == its for row, its in known.items())
    held = sum(map(len, known.values()))
    assert len(lists.numbers) <= 2 * (2 * held + HOLES + 50)
