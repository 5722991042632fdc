from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.datasets.columns.cells import is_absent
from streams.datasets.columns.id_lists import split_ids
from streams.datasets.columns.name_lists import as_names, in_brackets, separator_of


@pytest.mark.parametrize(
    ("cell", "names"),
    [
        (["a", "b", "a"], ("a", "b")),
        ('["a", "b"]', ("a", "b")),
        ("['a', 'b']", ("a", "b")),
        ("[u'a', u'b']", ("a", "b")),
        ("('a', 'b')", ("a", "b")),
        ("{'b', 'a'}", ("b", "a")),
        ("['a' 'b'\n 'c d']", ("a", "b", "c d")),
        ("array(['a', 'b'], dtype=object)", ("a", "b")),
        ("[nan, 'a', None]", ("a",)),
        ("[Film Noir, Drama]", ("Film Noir", "Drama")),
        ("{Action,Comedy}", ("Action", "Comedy")),
        ('[["Books", "Fiction"], ["Books"]]', ("Books", "Fiction")),
        ([["Books", "Fiction"]], ("Books", "Fiction")),
        ("[{'id': 16, 'name': 'Animation'}, {'id': 1, 'name': \"Children's\"}]", ("Animation", "Children's")),
        ('[{"id": 16, "name": "Animation"}]', ("Animation",)),
        ([{"id": "1", "description": "Action"}], ("Action",)),
        ("{'id': 10, 'name': 'Toy Story Collection'}", ("Toy Story Collection",)),
        ({"fantasy": 12, "poetry": 3, "none at all": 0}, ("fantasy", "poetry")),
        ("[]", ()),
        ("[[]]", ()),
        ("", ()),
        (None, ()),
        (float("nan"), ()),
        ("NA", ()),
        ("a|b", ("a", "b")),
        ("a, b", ("a", "b")),
        ("a;b", ("a", "b")),
        ("Clothing > Shoes", ("Clothing", "Shoes")),
        ("Film Noir", ("Film Noir",)),
        ("(no genres listed)", ("(no genres listed)",)),
        ("[{'id': 16, 'name': }]", None),
        ({"id": {"x": 1}}, None),
        ("[1, 2]", ("1", "2")),
        (["x\ud83d"], ("x\ufffd",)),
        (b"a|b", ("a", "b")),
    ],
)
def test_names(cell: Any, names: tuple[str, ...] | None) -> None:
    assert as_names(cell) == names


NAMES = st.lists(
    st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=12)
    .map(str.strip)
    .filter(lambda name: name.isalnum() and not is_absent(name)),
    max_size=6,
    unique=True,
)


@given(NAMES)
def test_json_and_python_notation_read_alike(names: list[str]) -> None:
    objects = [{"id": k, "name": name} for k, name in enumerate(names)]
    forms: list[Any] = [
        names,
        json.dumps(names),
        json.dumps(names, ensure_ascii=False),
        str(names),
        str(tuple(names)),
    ]
    forms += [json.dumps(objects), str(objects), objects, [names], str([names])]
    for form in forms:
        assert as_names(form) == tuple(names)


@given(st.text("[](){}'\"ab,:u 1\\\n", max_size=30))
def test_no_text_gives_a_traceback(text: str) -> None:
    found = as_names(text)
    assert found is None or all(isinstance(name, str) for name in found)


@pytest.mark.filterwarnings("error")
def test_odd_escapes_give_no_warning() -> None:
    assert as_names(r"['a\d']") == (r"a\d",)


def test_depth_is_bounded() -> None:
    assert as_names("[" * 5_000 + "]" * 5_000) in (None, ())


def test_a_column_has_one_separator() -> None:
    assert separator_of(["Food, Drink|Home", "Food, Drink"]) == "|"
    assert as_names("Food, Drink", "|") == ("Food, Drink",)
    assert separator_of(["a, b; c"]) == ";"
    assert separator_of(['["a|b"]', "a, b"]) == ","
    assert separator_of([None, 5]) == ","


def test_brackets() -> None:
    assert in_brackets("[a]")
    assert in_brackets("('a',)")
    assert not in_brackets("[a")
    assert not in_brackets("(a)")
    assert not in_brackets("a")


def test_numbers_of_numpy_in_a_list() -> None:
    assert as_names("[np.int64(5), np.str_('a b')]") == ("5", "a b")
    assert split_ids("[np.int64(5), np.int64(7)]") == [5, 7]
