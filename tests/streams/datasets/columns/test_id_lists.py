from __future__ import annotations

from typing import Any

import pytest

from model.errors import DataError
from streams.datasets.columns.cell_rules import CellRules
from streams.datasets.columns.id_columns import members, one_each
from streams.datasets.columns.id_lists import label_of, several_ids, split_ids


@pytest.mark.parametrize(
    ("cell", "parts"),
    [
        ("N1 N2", ["N1", "N2"]),
        ("1|2|3", ["1", "2", "3"]),
        ("1, 2 ,3", ["1", "2", "3"]),
        ("a b;c", ["a b", "c"]),
        ('["a", "b"]', ["a", "b"]),
        ("[1, 2]", [1, 2]),
        ("['a' 'b']", ["a", "b"]),
        ([1, 2], [1, 2]),
        ({"N1": 1, "N2": 0}, [["N1", 1], ["N2", 0]]),
        (7, [7]),
        ("", []),
        (None, []),
        ("{6fa459ea-ee8a-3ca4-894e-db77e160355e}", ["{6fa459ea-ee8a-3ca4-894e-db77e160355e}"]),
    ],
)
def test_splitting(cell: Any, parts: list[Any]) -> None:
    assert split_ids(cell) == parts


def test_labels() -> None:
    assert label_of("N1-1") == ("N1", True)
    assert label_of("N-1-0") == ("N-1", False)
    assert label_of(["N1", 0]) == ("N1", False)
    assert label_of("N1") is None
    assert label_of(5) is None


@pytest.mark.parametrize(
    "cells",
    [
        ["N1 N2 N3", "N4 N5", "N6"],
        ["1|2|3", "4|5"],
        ["1,2", "3"],
        ["B00004CK40 0006476155", "B00004CK41 B00004CK42"],
        ["N1-1 N2-0", "N3-0"],
    ],
)
def test_lists_as_text_are_refused_with_the_flags_that_decide(cells: list[str]) -> None:
    with pytest.raises(DataError, match="several ids") as raised:
        members("f.csv", cells * 3 + cells[:1], False, CellRules())
    assert "--lists keep" in str(raised.value)
    assert "--map impressions=COLUMN" in str(raised.value)
    assert members("f.csv", cells, False, CellRules(lists="keep")).cells == cells
    assert len(members("f.csv", cells, False, CellRules(lists="spread")).cells) > len(cells)


@pytest.mark.parametrize(
    "cells",
    [
        ["Blink 182", "Sum 41", "Metallica"],
        ["The Beatles", "Pink Floyd", "AC/DC"],
        ["N1", "N2"],
        ["u1|2017-07-14", "u2|2017-07-15"],
        ["Doe, John", "Roe, Jane"],
        ["tt0114709"],
        [1, 2, 3.0],
        ["", None],
        [],
    ],
)
def test_names_with_spaces_are_one_id(cells: list[Any]) -> None:
    assert several_ids(cells) is None
    assert members("f.csv", cells, False, CellRules()).cells == cells


def test_lists_beyond_doubt_are_spread_and_told() -> None:
    found = members("f.json", [["a", "b"], "['c', 'd']", "e", []], False, CellRules())
    assert list(zip(found.rows, found.cells, strict=True)) == [
        (0, "a"),
        (0, "b"),
        (1, "c"),
        (1, "d"),
        (2, "e"),
        (3, None),
    ]
    assert "each item is an event" in found.notes[0]
    typed = members("f.inter", ["a b", "c"], True, CellRules())
    assert typed.cells == ["a", "b", "c"]


def test_a_few_lists_among_single_ids_are_told_by_their_parts() -> None:
    cells = ["N1", "N2", "N3", "N1 N2", "N9 N10"]
    found = several_ids(cells)
    assert found is not None
    assert found.rows == {3}
    assert members("f.csv", cells, False, CellRules()).several == {3}


def test_users_are_one_each() -> None:
    assert one_each("f.csv", "user", ["u1", "u2"], CellRules()) == frozenset()
    with pytest.raises(DataError, match="user holds several ids in one cell"):
        one_each("f.csv", "user", [["u1", "u2"], ["u3"]], CellRules())
    assert one_each("f.csv", "user", ["u1 u2", "u1", "u2", "u3"], CellRules()) == {0}
