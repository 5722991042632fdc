"""Numbers that are told of each place of a slate."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from model.errors import DataError
from streams.datasets.columns.cell_rules import AUTO
from streams.datasets.dataset import DatasetSpec, load_dataset
from streams.datasets.impressions import Shown
from streams.datasets.shown_fields import read_fields

LISTS = [("u1", 10, ["a", "b", "c"], "b", [3.5, 1.0, -2.0]), ("u2", 20, ["b", "d"], "d", [1.5, 9.0])]


def shown_of(path: Path, columns: str) -> list[Shown]:
    stream = load_dataset(DatasetSpec(str(path), columns=columns)).interactions
    assert stream.shown is not None
    assert stream.shown_fields == ("price",)
    return [each for slates in stream.shown for each in slates]


def expected(shown: list[Shown]) -> None:
    told = [(each.items, [numbers[0] for numbers in each.told]) for each in shown]
    assert told == [(tuple(items), numbers) for _, _, items, _, numbers in LISTS]


def test_lists_beside_lists(tmp_path: Path) -> None:
    path = tmp_path / "lists.csv"
    rows = [
        f"{user},{at},{item},{'|'.join(items)},{'|'.join(map(str, numbers))}"
        for user, at, items, item, numbers in LISTS
    ]
    path.write_text("\n".join(["user,ts,item,list,cost", *rows]))
    expected(shown_of(path, "impressions=list,shown.price=cost"))


def test_lists_in_json(tmp_path: Path) -> None:
    path = tmp_path / "lists.jsonl"
    rows = [
        {"user": user, "ts": at, "list": items, "hit": [item], "cost": numbers}
        for user, at, items, item, numbers in LISTS
    ]
    path.write_text("\n".join(map(json.dumps, rows)))
    expected(shown_of(path, "impressions=list,clicked=hit,shown.price=cost"))


def test_a_row_for_each_place(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    rows = [
        f"{user},{at},{name},{int(name == item)},{number}"
        for user, at, items, item, numbers in LISTS
        for name, number in zip(items, numbers, strict=True)
    ]
    path.write_text("\n".join(["user,ts,item,hit,cost", *rows]))
    expected(shown_of(path, "clicked=hit,shown.price=cost"))


def test_the_number_follows_its_item_where_one_stands_twice(tmp_path: Path) -> None:
    path = tmp_path / "lists.csv"
    path.write_text("user,ts,item,list,cost\nu,1,b,a|a|b,1|2|3\n")
    (shown,) = shown_of(path, "impressions=list,shown.price=cost")
    assert (shown.items, shown.told) == (("a", "b"), ((1.0,), (3.0,)))


def test_a_list_of_another_length_says_nothing_and_is_counted() -> None:
    found = read_fields({"shown.price": ["1|2", "3", None]}, [2, 2, 1], AUTO)
    assert found.names == ("price",)
    assert found.values[0] == [(1.0,), (2.0,)]
    assert all(math.isnan(number) for numbers in found.values[1:] for (number,) in numbers)
    assert found.notes == ("1 lists of shown.price are not as long as their slates: left out",)


def test_prices_with_their_currencies() -> None:
    found = read_fields({"shown.price": [["$1,299.00", "5 €"], "1,200.50"]}, [2, 1], AUTO)
    assert found.values == [[(1299.0,), (5.0,)], [(1200.5,)]]


def test_several_fields() -> None:
    found = read_fields({"shown.price": ["1|2"], "shown.stars": ["5|x"]}, [2], AUTO)
    assert found.names == ("price", "stars")
    assert found.values[0][0] == (1.0, 5.0)
    assert found.values[0][1][0] == 2.0
    assert math.isnan(found.values[0][1][1])
    assert "shown.stars: 1 of 2" in found.notes[0]


def test_numbers_without_slates_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "plain.csv"
    path.write_text("user,ts,item,cost\nu,1,a,2\n")
    with pytest.raises(DataError, match=r"shown\.price=cost: expected slates beside it"):
        load_dataset(DatasetSpec(str(path), columns="shown.price=cost"))
    with pytest.raises(DataError, match=r"no column 'costs' for shown\.price"):
        load_dataset(DatasetSpec(str(path), columns="clicked=cost,shown.price=costs"))
