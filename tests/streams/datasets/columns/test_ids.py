"""One id is one text, in whatever guise a file holds it."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.datasets.columns.cell_rules import MISSING, CellRules
from streams.datasets.columns.id_columns import dominant_note, read_ids
from streams.datasets.columns.ids import as_id, id_flaw, is_rounded, zeros_note


@given(st.integers(-(2**70), 2**70))
def test_a_whole_number_in_any_guise(number: int) -> None:
    text = str(number)
    guises: list[Any] = [number, text, text.encode(), f"  {text}\n", repr(text.encode()), f'b"{text}"']
    guises += [f"{text}.0", f"{text}.00", Decimal(number), Decimal(f"{number}.0"), {"$numberLong": text}]
    if abs(number) < 2**53:
        guises.append(float(number))
    assert {as_id(guise) for guise in guises} == {text}


@given(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20))
def test_a_text_in_any_guise(text: str) -> None:
    plain = as_id(text)
    assert plain == as_id(f" {text} ") == as_id(plain)
    if plain == text:  # no guise itself, as 5.0 and b'5' are
        assert as_id(text.encode()) == as_id(repr(text.encode())) == text
    assert as_id(text, "exact") == text


@given(st.uuids())
def test_a_uuid_in_any_guise(value: uuid.UUID) -> None:
    guises = [value, str(value), str(value).upper(), f"{{{value}}}"]
    assert {as_id(guise) for guise in guises} == {str(value)}


def test_binary_ids() -> None:
    raw = bytes(range(240, 256))
    assert as_id(raw) == str(uuid.UUID(bytes=raw))
    assert as_id(b"\xff\x00\x01") == "ff0001"
    assert as_id(b"") == ""


@pytest.mark.parametrize("cell", [None, float("nan"), float("inf"), True, [1], {"a": 1, "b": 2}, "", "  "])
def test_what_is_no_id(cell: Any) -> None:
    assert as_id(cell) == ""


@pytest.mark.parametrize("cell", ["007", "1.10", "1e5", "v2.0", "0x1F", "b'", "b'x\"", "5.0.1"])
def test_what_stays_as_it_is(cell: str) -> None:
    assert as_id(cell) == cell


@pytest.mark.parametrize(
    ("cell", "expected", "rounded"),
    [
        ("1.030000000000000000e+02", "103", False),  # numpy.savetxt
        ("1.5000000e+01", "15", False),  # MATLAB
        ("1e+05", "100000", False),  # R
        ("1E+05", "1E+05", True),  # a spreadsheet, of 123,456 too
        ("1.23457E+12", "1.23457E+12", True),
        ("1,23457E+12", "1,23457E+12", True),
        ("1.234560000000000E+12", "1234560000000", False),
        ("1.2345e+01", "1.2345e+01", True),
        ("1e+999", "1e+999", True),
        ('="007"', "007", False),
        ("ObjectId(5f1d7f0a9d3e2b0001a1b2c3)", "5f1d7f0a9d3e2b0001a1b2c3", False),
        ("ObjectId('5f1d7f0a9d3e2b0001a1b2c3')", "5f1d7f0a9d3e2b0001a1b2c3", False),
    ],
)
def test_what_programs_make_of_ids(cell: str, expected: str, rounded: bool) -> None:
    assert as_id(cell) == expected
    assert is_rounded(cell) is rounded
    assert as_id(cell, "exact") == cell


def test_exact_and_numeric() -> None:
    assert as_id("103.0", "exact") == "103.0"
    assert as_id("b'103'", "exact") == "b'103'"
    assert as_id("007.0", "numeric") == "7"
    assert as_id("000", "numeric") == "0"
    assert as_id("00a", "numeric") == "00a"


def test_flaws() -> None:
    assert id_flaw("user", "") == "no user"
    assert id_flaw("user", "x" * 129) == "user has 129 characters, at most 128 are accepted"
    assert id_flaw("user", "x" * 128) is None


def test_rounded_ids_are_told() -> None:
    assert is_rounded(1.2345678901234567e18)
    assert is_rounded("1.23457E+12")
    assert not any(map(is_rounded, (103.0, "103", "1E5", 2**60)))
    assert "rounded" in read_ids("item", [1e18, 5]).notes[0]


def test_leading_zeros_in_both_forms_are_told() -> None:
    assert zeros_note("items", ["007", "8", "7"]).startswith("1 items occur with and without leading zeros")
    assert zeros_note("items", ["007", "8"]) == ""
    assert zeros_note("items", ["0", "00"]) != ""


def test_columns_count_what_is_missing_and_what_was_rewritten() -> None:
    read = read_ids("user", ["NA", "", None, "None", b"NA", "b'NA'", "5.0", 5, "5", "u\ud83d"])
    assert read.ids == ["", "", "", "", "", "", "5", "5", "5", "u\ufffd"]
    assert read.spelled == {"NA": 3, "": 2, "None": 1}
    assert read.notes == (
        "user: 1 ids as '5.0' are read as '5' (--ids exact keeps them)",
        "user: 1 ids hold half of a character (a lone surrogate): read as U+FFFD",
    )
    kept = read_ids("user", ["NA", "None"], CellRules(missing=MISSING - {"none"}))
    assert kept.ids == ["", "None"]


def test_one_user_for_everybody_is_told() -> None:
    users = ["0"] * 30 + [f"u{k}" for k in range(70)]
    assert dominant_note(users).startswith("user '0' has 30 of 100 events")
    assert dominant_note(users[20:]) == ""
    assert dominant_note([]) == ""


def test_minus_one_may_mean_none() -> None:
    (note,) = read_ids("item", ["-1", "5", "-1", "7"]).notes
    assert note == "item: 2 ids are -1: if it means none, leave it out with --missing=+-1"
    found = read_ids("item", ["-1", 5, -1, -1.0, "7"], CellRules(missing=MISSING | {"-1"}))
    assert found.ids == ["", "5", "", "", "7"]
    assert not found.notes
    assert not read_ids("item", ["-1", "-5", "7"]).notes
