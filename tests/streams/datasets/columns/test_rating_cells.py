"""Single cells of ratings: no cell is of two kinds, and what a writer makes of a number comes back."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.datasets.columns.rating_cells import WORDS, share_in, stars_in, word_in


@given(st.integers(0, 100), st.sampled_from(["{} stars", "Rated {}", "{}-star rating", "{} pts", "+{}"]))
def test_numbers_in_words_come_back(number: int, form: str) -> None:
    cell = form.format(number)
    assert stars_in(cell) == number
    assert math.isnan(share_in(cell))
    assert math.isnan(word_in(cell))


@given(st.integers(0, 10), st.integers(1, 10), st.sampled_from(["{}/{}", "{} out of {}", "{} of {} stars"]))
def test_shares_come_back(part: int, whole: int, form: str) -> None:
    cell = form.format(part, whole)
    assert share_in(cell) == pytest.approx(part / whole)
    assert math.isnan(stars_in(cell))


@pytest.mark.parametrize("word", sorted(WORDS))
def test_words_are_known_however_they_are_written(word: str) -> None:
    assert word_in(word.upper()) == word_in(f" {word}! ") == WORDS[word]


@pytest.mark.parametrize("cell", [None, 4, 4.5, [4], "4/0", "", "fine", "A+"])
def test_other_cells_are_of_no_kind(cell: Any) -> None:
    assert all(math.isnan(read(cell)) for read in (stars_in, share_in, word_in))


@given(st.one_of(st.text(max_size=20), st.booleans(), st.binary(max_size=5)))
def test_any_cell_is_of_one_kind_at_most(cell: Any) -> None:
    assert sum(not math.isnan(read(cell)) for read in (stars_in, share_in, word_in)) <= 1
