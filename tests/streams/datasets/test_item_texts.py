"""What is said of items and users, read from the cells that files hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from streams.datasets.columns.cell_rules import CellRules
from streams.datasets.dataset import Dataset, DatasetSpec, load_dataset
from streams.datasets.item_texts import ItemText


def described(
    tmp_path: Path, rows: list[dict[str, Any]], columns: str = "", reading: CellRules | None = None
) -> Dataset:
    (tmp_path / "s.csv").write_text("user,item,ts\nu,1,1500000000\nu,2,1500000001\n")
    (tmp_path / "i.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return load_dataset(
        DatasetSpec(
            str(tmp_path / "s.csv"),
            str(tmp_path / "i.jsonl"),
            columns=columns,
            cells=reading or CellRules(),
        )
    )


def test_prices_and_lists_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"item": 1, "price": "$1,299.00", "categories": "[{'id': 16, 'name': 'Animation'}]"},
        {"item": "2", "price": "ask", "categories": "[{'id': 16, 'name': ]"},
    ]
    found = described(tmp_path, rows)
    assert found.items == {"1": ItemText(categories=("Animation",), price=1299.0), "2": ItemText()}
    assert "i.jsonl: 1 of 2 prices can't be read, such as 'ask': left out" in found.notes
    assert any("categories: 1 lists can't be read, such as" in note for note in found.notes)


def test_a_column_of_names_has_one_separator_which_is_told(tmp_path: Path) -> None:
    rows = [{"item": 1, "genres": "Food, Drink|Home"}, {"item": 2, "genres": "Food, Drink"}]
    found = described(tmp_path, rows)
    assert found.items["1"].categories == ("Food, Drink", "Home")
    assert found.items["2"].categories == ("Food, Drink",)
    assert any("names in genres are parted at '|' (--name-separator sets it)" in note for note in found.notes)
    comma = described(tmp_path, rows, reading=CellRules(separator=","))
    assert comma.items["2"].categories == ("Food", "Drink")


def test_joined_columns(tmp_path: Path) -> None:
    rows = [
        {
            "shop": "a",
            "no": 7,
            "t1": "T",
            "t2": "U",
            "main": "Books",
            "sub": ["Fiction", "Books"],
            "amount": "12,50",
            "unit": "EUR",
        }
    ]
    found = described(
        tmp_path,
        rows,
        "items.item=shop+no,items.title=t1+t2,items.categories=main+sub,items.price=amount+unit",
    )
    assert found.items == {"a+7": ItemText("T U", "", ("Books", "Fiction"), (), 12.5)}


def test_fields_can_be_left_out(tmp_path: Path) -> None:
    rows = [{"item": 1, "title": "T", "genres": "a", "price": 5, "description": "D"}]
    assert described(tmp_path, rows).items["1"] == ItemText("T", "D", ("a",), (), 5.0)
    found = described(tmp_path, rows, "items.price=,title=,items.text=")
    assert found.items["1"] == ItemText("", "", ("a",), (), None)


def test_texts_that_say_nothing_are_told(tmp_path: Path) -> None:
    found = described(tmp_path, [{"item": 1, "title": "None", "text": "N/A"}, {"item": 2, "title": "Up"}])
    assert found.items["1"] == ItemText()
    assert "i.jsonl: title: 1 cells are taken as empty (None 1)" in found.notes
    kept = described(tmp_path, [{"item": 1, "title": "None"}], reading=CellRules(missing=frozenset()))
    assert kept.items["1"].title == "None"


@pytest.mark.parametrize(
    ("columns", "profile"),
    [
        ("", {"first": "Ann", "last": "Lee", "age": "7"}),
        ("users.last=", {"first": "Ann", "age": "7"}),
        ("users.name=first+last", {"name": "Ann Lee"}),
    ],
)
def test_profiles(tmp_path: Path, columns: str, profile: dict[str, str]) -> None:
    (tmp_path / "s.csv").write_text("user,item,ts\nu,1,1500000000\n")
    (tmp_path / "u.csv").write_text("user,first,last,age,empty\nu,Ann,Lee,7,NULL\n")
    found = load_dataset(DatasetSpec(str(tmp_path / "s.csv"), users=str(tmp_path / "u.csv"), columns=columns))
    assert found.users == {"u": profile}
