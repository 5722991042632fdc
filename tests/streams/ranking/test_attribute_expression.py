"""Expressions over attributes: what is read is what is meant, and what can't be read is said."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from model.errors import RequestError
from streams.ranking.attribute_expression import Expression, matching, parse

COLOURS = np.array(["red", "blue", "red", "", "blue"])
SIZES = np.array(["S", "S", "M", "M", "L"])


def having(name: str, value: str) -> NDArray[np.bool_]:
    column = {"colour": COLOURS, "size": SIZES}.get(name)
    return np.zeros(5, np.bool_) if column is None else column == value


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("colour:red", [0, 2]),
        ("colour:red and size:M", [2]),
        ("colour:red or size:S", [0, 1, 2]),
        ("not colour:red", [1, 3, 4]),
        ("size:L or colour:red and size:S", [0, 4]),
        ("(size:L or colour:red) and size:S", [0]),
        ("NOT (colour:red OR colour:blue)", [3]),
        ('"colour":"red"', [0, 2]),
        ("weight:heavy", []),
        ("not not size:L", [4]),
        ("and:or or size:L", [4]),
    ],
)
def test_what_fits(text: str, rows: list[int]) -> None:
    assert np.flatnonzero(matching(parse(text), having)).tolist() == rows


def test_names_and_values_may_hold_anything_in_quotes() -> None:
    assert parse(r'"made by":"Smith \"&\" Sons \\ Co: (UK)"') == (
        "is",
        "made by",
        'Smith "&" Sons \\ Co: (UK)',
    )
    assert parse("颜色:红") == ("is", "颜色", "红")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the name of an attribute"),
        ("colour", "a colon and a value after 'colour'"),
        ("colour:", "a value after 'colour:'"),
        ("colour:red size:S", "and, or, or the end before 'size'"),
        ("(colour:red", "a closing bracket"),
        ("colour:red)", "the end before"),
        ("colour:red and", "the name of an attribute"),
        ("colour=red", "at '=red'"),
        ('colour:"red', "a value"),
        ("(" * 40 + "a:b" + ")" * 40, "at most 16 brackets"),
        ("not " * 40 + "a:b", "at most 16 brackets"),
        (" or ".join(["a:b"] * 65), "64 conditions at most"),
        ("a:" + "b" * 2_000, "2000 at most"),
    ],
)
def test_what_cant_be_read_is_said(text: str, said: str) -> None:
    with pytest.raises(RequestError) as raised:
        parse(text)
    assert said in str(raised.value)
    assert len(str(raised.value)) < 200


leaves = st.tuples(st.just("is"), st.text(max_size=8), st.text(max_size=8))


def joined(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    words, parts = st.sampled_from(["and", "or"]), st.lists(inner, min_size=2, max_size=3)
    several = st.builds(lambda word, each: (word, *each), words, parts)
    return st.one_of(st.tuples(st.just("not"), inner), several)


trees: st.SearchStrategy[Expression] = st.recursive(leaves, joined, max_leaves=8)


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def written(tree: Expression) -> str:
    kind, *parts = tree
    if kind == "is":
        return f"{quoted(str(parts[0]))}:{quoted(str(parts[1]))}"
    inner = [f"({written(part)})" for part in parts if isinstance(part, tuple)]
    return f"not {inner[0]}" if kind == "not" else f" {kind} ".join(inner)


@given(trees)
def test_what_is_written_is_read_again(tree: Expression) -> None:
    assert parse(written(tree)) == tree


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = parse(text)
    except RequestError:
        return
    assert matching(found, having).shape == (5,)
