from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.surrogates import made_whole
from streams.datasets.columns.cells import TEXT_MAX, as_numbers, as_text, is_absent, plain_value


@pytest.mark.parametrize(
    "cell",
    [
        "",
        "  ",
        None,
        float("nan"),
        "NA",
        "N/A",
        "NULL",
        "null",
        "nan",
        "NaN",
        "None",
        "\\N",
        "<NA>",
        "#N/A",
        " na ",
    ],
)
def test_every_usual_spelling_of_nothing(cell: Any) -> None:
    assert is_absent(cell)
    assert as_text(cell) == ""


@pytest.mark.parametrize("cell", ["0", 0, "Nancy", "nonesuch", False, "N", [], "n\\a"])
def test_what_is_something(cell: Any) -> None:
    assert not is_absent(cell)


def test_spellings_can_be_set() -> None:
    assert not is_absent("None", frozenset())
    assert is_absent("Anonymous", frozenset({"anonymous"}))
    assert as_text("None", missing=frozenset()) == "None"


@given(st.text(st.characters(), max_size=20))
def test_a_mended_text_can_be_encoded_and_keeps_what_could_be(text: str) -> None:
    found = made_whole(text)
    assert found.encode().decode() == found
    if not any("\ud800" <= char <= "\udfff" for char in text):
        assert found == text


@given(st.characters(min_codepoint=0x10000))
def test_two_halves_are_one_character(char: str) -> None:
    raw = char.encode("utf-16-be")
    halves = "".join(chr(int.from_bytes(raw[at : at + 2], "big")) for at in (0, 2))
    assert made_whole(f"a{halves}") == f"a{char}"
    assert made_whole(f"a{halves[0]}b") == "a\ufffdb"


def test_texts_of_other_values() -> None:
    assert as_text(["a", "", "b"]) == "a b"
    assert as_text("caf\u00e9".encode()) == "caf\u00e9"
    assert as_text({"a": 1, "b": 2}) == ""
    assert as_text(7.5) == "7.5"
    assert len(as_text("x" * 20_000)) == TEXT_MAX


def test_mongo_wrapping() -> None:
    assert plain_value({"$oid": "5f"}) == "5f"
    assert plain_value({"name": "a"}) == {"name": "a"}
    assert plain_value({"$a": 1, "$b": 2}) == {"$a": 1, "$b": 2}


def test_numbers() -> None:
    found = as_numbers(["1.5", "2,5", 3, Decimal("4.5"), b"5", None, "x", [1], {"$numberInt": "6"}, "1,2,3"])
    assert np.array_equal(found, [1.5, 2.5, 3, 4.5, 5, np.nan, np.nan, np.nan, 6, np.nan], equal_nan=True)
    assert np.isnan(as_numbers([[1, 2], [3, 4]])).all()
    assert len(as_numbers([])) == 0
