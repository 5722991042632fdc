"""Actions by their words, and as the user tells them."""

from __future__ import annotations

from pathlib import Path

import pytest

from model.errors import DataError, SettingsError
from streams.datasets.columns.actions import read_actions
from streams.datasets.columns.cell_rules import CellRules, parse_actions
from streams.datasets.dataset import Dataset, DatasetSpec, load_dataset


def test_what_is_told_goes_before_the_words() -> None:
    assert read_actions(["buy", "pic", "??"]) == (
        ["purchase", "click", "click"],
        "actions taken as clicks: pic (1), ?? (1)",
    )
    assert read_actions(["buy", "pic"], {"buy": "cart", "pic": "view"}) == (["cart", "view"], "")


def loaded(tmp_path: Path, **actions: str) -> Dataset:
    path = tmp_path / "log.csv"
    path.write_text("user,ts,item,action\nu,1,a,look\nu,2,b,sort order\nu,3,c,buy\n")
    return load_dataset(DatasetSpec(str(path), cells=CellRules(actions=actions)))


def test_rows_of_a_word_without_an_action_are_no_events(tmp_path: Path) -> None:
    dataset = loaded(tmp_path, **{"sort order": "", "look": "view"})
    stream = dataset.interactions
    assert (stream.item, stream.action) == (["a", "c"], ["view", "purchase"])
    assert "log.csv: 1 rows are no events, as their action says (--actions)" in dataset.notes
    assert not len(dataset.bad)


def test_a_word_that_does_not_occur_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"--actions sorting=: no row has this action; it has: look, sort"):
        loaded(tmp_path, sorting="")
    path = tmp_path / "plain.csv"
    path.write_text("user,ts,item\nu,1,a\n")
    with pytest.raises(DataError, match="no column of actions"):
        load_dataset(DatasetSpec(str(path), cells=CellRules(actions={"a": ""})))


@pytest.mark.parametrize("part", ["look", "=view", "look=View it"])
def test_what_is_no_pair_is_refused(part: str) -> None:
    with pytest.raises(SettingsError, match="expected WORD=ACTION"):
        parse_actions([part])
