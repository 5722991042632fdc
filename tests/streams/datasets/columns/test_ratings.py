from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from streams.datasets.columns.cell_rules import CellRules
from streams.datasets.columns.ratings import read_ratings, scaled, unrated_in


def stars(cells: list[Any], reading: CellRules | None = None) -> tuple[list[float], tuple[str, ...]]:
    """The ratings of a column whose rows are all good, and its notes."""
    found = read_ratings(cells, reading or CellRules())
    values, note = scaled(found, ~found.flawed, (reading or CellRules()).scale)
    return [round(float(value), 3) for value in values], (*found.notes, *filter(None, (note,)))


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ([True, False], [5, 1]),
        (["True", "False"], [5, 1]),
        (["yes", "no"], [5, 1]),
        (["Recommended", "Not Recommended"], [5, 1]),
        (["like", "dislike"], [5, 1]),
        (["good", "bad"], [5, 1]),
        (["thumbs up", "thumbs_down"], [5, 1]),
        (["3,5", "1,0", "5,0"], [3.5, 1, 5]),
        (["80%", "20 %", "100%"], [4, 1, 5]),
        (["50%", "0%", "100%"], [3, 1, 5]),
        (["4/5", "1/5", "5 / 5"], [4, 1, 5]),
        (["8/10", "4/5", "3,5/5"], [4, 4, 3.5]),
        (["4 out of 5 stars", "Rated 2.5 out of 5"], [4, 2.5]),
        (["5 stars", "four", "\u2605\u2605\u2605\u2606\u2606", "2", "1-star"], [5, 4, 3, 2, 1]),
        (["5 star rating", "3 star rating"], [5, 3]),
        (["\u2605\u2605\u2605\u00bd", "\u2605\u2606\u2606", "\u2b50\ufe0f\u2b50\ufe0f"], [3.5, 1, 2]),
        ([b"4", {"$numberInt": "2"}, "3.0"], [4, 2, 3]),
    ],
)
def test_ratings_in_words_and_shares(cells: list[Any], expected: list[float]) -> None:
    assert stars(cells)[0] == expected


def test_letters_are_left_out_with_a_note_and_cost_no_row() -> None:
    found = read_ratings(["A+", "B", "C-", "4"])
    assert np.isnan(found.values).all()
    assert not found.flawed.any()
    assert found.notes[0].startswith("ratings can't be read, such as 'A+': left out")


def test_a_few_other_cells_are_flaws() -> None:
    assert (
        read_ratings(["4", "5", "great", "", None, "NaN"]).flawed.tolist()
        == [False, False, True] + [False] * 3
    )
    assert read_ratings(["yes", "no", "maybe"]).flawed.tolist() == [False, False, True]
    assert read_ratings(["4/5", "3/5", "7/5"]).flawed.tolist() == [False, False, True]
    assert read_ratings([3] * 50 + ["inf", 1e9]).flawed.tolist() == [False] * 50 + [True] * 2


def test_nothing_known_says_nothing() -> None:
    assert stars(["", None])[1] == ()
    assert np.isnan(stars(["True", "True"])[0]).all()
    assert stars(["True", "True"])[1][-1] == "every rating is the same: left out"
    assert np.isnan(stars([0, 0])[0]).all()


@pytest.mark.parametrize(
    ("values", "unrated"),
    [
        ([-1, 7, 8, 10], (-1,)),
        ([-1, 0, 5, 10], (-1,)),
        ([-1, 1, 1, -1], ()),  # a scale of two
        ([-1, 0, 1], ()),
        ([-2, -1, 1, 2], ()),
        ([0] * 6 + [1, 2, 3, 4, 5, 5], (0,)),
        ([0] * 60 + list(range(1, 11)) * 4, (0,)),
        ([0] + list(range(1, 11)) * 4, ()),
        ([0, 3, 4, 5, 5], (0,)),
        ([0, 5, 10], ()),
        ([0, 0, 0, 1, 1], ()),
        ([0, 0, 0, 0.5, 1.5, 2.5, 3], ()),
        ([99, 99, -9.5, 3.25, 8.1], (99,)),
        ([99, 88, 77], ()),
        ([-1] * 5 + [0] * 5 + [1, 2, 3, 4, 5], (-1, 0)),
        ([], ()),
        ([-1, -1], ()),
    ],
)
def test_numbers_that_mean_not_rated(values: list[float], unrated: tuple[float, ...]) -> None:
    assert unrated_in(np.array(values, float)) == unrated


def test_not_rated_is_told_and_can_be_set() -> None:
    values, notes = stars([-1, 1, 10, 5.5])
    assert (np.isnan(values[0]), values[1:]) == (True, [1, 5, 3])
    assert notes == (
        "-1 means not rated in 1 rows (--unrated none takes it as a rating)",
        "ratings rescaled linearly from 1..10 to 1..5",
    )
    assert stars([-1, 10, 4.5], CellRules(unrated=()))[0] == [1, 5, 3]
    assert np.isnan(stars([7, 1, 3], CellRules(unrated=(7.0,)))[0]).tolist() == [True, False, False]
    assert "0 is taken as a rating in 1 rows (--unrated 0 if it means none)" in stars([0, 1, 2, 3, 4, 5])[1]


def test_the_scale_can_be_set() -> None:
    assert stars([6, 8], CellRules(scale=(0, 10)))[0] == [3.4, 4.2]
    assert read_ratings([6, 11], CellRules(scale=(0, 10))).flawed.tolist() == [False, True]


@given(
    st.lists(st.integers(1, 10), min_size=1, max_size=30),
    st.sampled_from(["%d", "%d.0", "%d,0", "%d stars", " %d "]),
)
def test_numbers_read_back_however_they_are_written(values: list[int], form: str) -> None:
    found = read_ratings([form % value for value in values])
    assert found.values.tolist() == values


@example([0.0, 2.2250738585072014e-308])
@example([-1e308, 1e308])
@given(st.lists(st.text(max_size=8) | st.floats() | st.none() | st.booleans(), max_size=12))
def test_no_column_gives_a_traceback(cells: list[Any]) -> None:
    found = read_ratings(cells)
    values, _ = scaled(found, ~found.flawed)
    kept = values[~found.flawed]
    assert ((kept >= 1) & (kept <= 5) | np.isnan(kept)).all()


def test_a_mark_is_no_rating() -> None:
    values, (note,) = stars(["1", "1", "1"])
    assert np.isnan(values).all()
    assert "every rating is 1" in note
    assert "--scale 1..5" in note
    assert stars(["1", "1"], CellRules(scale=(1.0, 5.0)))[0] == [1, 1]
    assert stars(["4", "4"])[0] == [4, 4]


def test_a_number_beside_a_word_is_no_word() -> None:
    values, (note,) = stars(["5 (excellent)", "1 (bad)"])
    assert np.isnan(values).all()
    assert "can't be read" in note
