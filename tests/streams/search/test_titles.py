"""Titles by row, as a list of strings would keep them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.search.titles import LEAST, Titles


@given(st.lists(st.tuples(st.integers(0, 9), st.text(max_size=5))))
def test_a_row_has_the_title_that_was_put_last(puts: list[tuple[int, str]]) -> None:
    titles, expected = Titles(), list[str]()
    for row, title in puts:
        titles.put(row, title)
        expected += [""] * (row + 1 - len(expected))
        expected[row] = title
    assert list(titles) == expected
    assert len(titles) == len(expected)


def test_what_nobody_reads_any_more_is_left_out() -> None:
    titles = Titles()
    for n in range(40):
        for row in range(4):
            titles.put(row, f"{n} {row} " + "x" * 2_000)
    assert list(titles) == [f"39 {row} " + "x" * 2_000 for row in range(4)]
    assert len(titles._kept.texts) < 2 * LEAST < 40 * 4 * 2_000


def test_half_a_character_comes_back_as_it_was() -> None:
    titles = Titles()
    titles.put(0, "\ud83d guitar")
    assert titles[0] == "\ud83d guitar"
