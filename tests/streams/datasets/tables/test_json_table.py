"""JSON and Python's notation in the forms in which dumps come."""

from __future__ import annotations

import json
import pprint
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.errors import DataError
from streams.datasets.tables.bad_rows import BadRows
from streams.datasets.tables.json_table import json_table
from streams.datasets.tables.json_text import pieces
from streams.datasets.tables.python_notation import read_python

ROWS = [
    {"user": "u1", "item": {"id": 7}, "tags": ["a", {"b": None}], "ok": True},
    {"user": "ü", "item": {"id": 8}},
]


def read(text: str, *columns: str) -> tuple[list[tuple[int, list[object]]], list[tuple[int, str]], str]:
    """Rows with their lines, bad rows and notes."""
    table, bad = json_table("t", text), BadRows()
    rows = [(row.line, row.cells) for row in table.rows(columns or table.columns, bad)]
    return rows, [(row.line, row.reason) for row in bad.rows], " / ".join(table.notes)


@pytest.mark.parametrize("notation", ["JSON", "Python"])
@pytest.mark.parametrize(
    "form", ["lines", "commas", "pretty", "array", "pretty array", "side by side", "crlf"]
)
def test_every_form_gives_the_same_rows(notation: str, form: str) -> None:
    def write(value: object, spread: bool = False) -> str:
        if notation == "JSON":
            return json.dumps(value, indent=2 if spread else None)
        return pprint.pformat(value, width=20) if spread else repr(value)

    between = {"lines": "\n", "commas": ",\n", "pretty": "\n", "side by side": " ", "crlf": "\r\n"}
    if form in between:
        text = between[form].join(write(row, form == "pretty") for row in ROWS)
    else:
        text = write(ROWS, form == "pretty array")
    rows, bad, _ = read(text + "\n", "user", "item.id", "tags")
    assert [cells for _, cells in rows] == [["u1", 7, ["a", {"b": None}]], ["ü", 8, None]]
    assert not bad


@pytest.mark.parametrize(
    "line",
    [
        "{'user': 'a', 'seen': True, 'n': None, 'r': 1.5}",
        "{ u'user' : u'a' , u'seen' : True , u'n': None, u'r': 1.5 }",
        """{"user": 'a', u'seen': True, 'n': None, "r": 1.5}""",
        "{'user': 'a', 'seen': true, 'n': null, 'r': 1.5}",
        "{'user': b'a'.decode() if 0 else 'a'}",
    ],
)
def test_python_notation_line_by_line(line: str) -> None:
    rows, bad, notes = read(
        f"{{'user': u'it\\'s', 'seen': False, 'n': 12L, 'r': nan}}\n{line}\n", "user", "seen", "n"
    )
    assert rows[0] == (1, ["it's", False, 12])
    if " if " in line:
        assert bad == [(2, "is not a JSON object")]
    else:
        assert rows[1] == (2, ["a", True, None])
    assert "Python notation" in notes


def test_python_notation_runs_no_code() -> None:
    for text in (
        "{'a': open('x')}",
        "{'a': [x for x in (1,)]}",
        "{**{'a': 1}}",
        "{'a': 1 + 1}",
        "{'a': x}",
        "{'a': ",
    ):
        with pytest.raises(ValueError, match="value"):
            read_python(text)


def test_mongodb() -> None:
    line = (
        '{"_id": {"$oid": "5f"}, "user": {"id": {"$numberLong": "7"}}, "at": {"$date": 1500000000000}, '
        '"then": {"$date": {"$numberLong": "1500000000000"}}, "iso": {"$date": "2017-07-14T02:40:00Z"}}'
    )
    rows, _, _ = read(f"{line}\n{line}\n", "_id", "user.id", "at", "then", "iso")
    moment = datetime(2017, 7, 14, 2, 40, tzinfo=UTC)
    assert rows[1] == (2, ["5f", 7, moment, moment, "2017-07-14T02:40:00Z"])
    shell = 'ObjectId("5f"), "n": NumberLong(7), at: ISODate("2017-07-14T02:40:00Z")'
    assert read(f"{{_id: {shell}}}\n{{_id: {shell}}}\n")[0][0] == (1, ["5f", 7, "2017-07-14T02:40:00Z"])


def test_lone_surrogates_become_u_fffd_with_a_count() -> None:
    cut, whole = "\\ud83d", "\\ud83d\\ude00"
    for text in (
        f'{{"user": "a{cut}", "t{cut}": ["{cut}"]}}\n{{"user": "{whole}"}}\n',
        f"{{'user': u'a{cut}', 't{cut}': ['{cut}']}}\n{{'user': u'{whole}'}}\n",
        f'[{{"user": "a{cut}", "t{cut}": ["{cut}"]}}, {{"user": "{whole}"}}]',
    ):
        rows, bad, notes = read(text, "user", "t\ufffd")
        assert [cells for _, cells in rows] == [["a\ufffd", ["\ufffd"]], ["\U0001f600", None]]
        assert not bad
        assert "half of a character" in notes
        assert "U+FFFD" in notes


@given(st.text(st.characters(), max_size=20), st.booleans())
def test_every_text_of_json_can_be_encoded(text: str, python: bool) -> None:
    line = ascii({"a": text}) if python else json.dumps({"a": text})
    rows, _, _ = read(f"{line}\n{line}\n")
    for _, cells in rows:
        assert str(cells[0]).encode().decode() == cells[0]
    assert len(rows) == 2


def test_numbers_that_are_none_and_keys_twice() -> None:
    rows, _, notes = read('{"a": NaN, "b": -Infinity, "c": 1, "c": 2}\n{"a": 12345678901234567890123}\n')
    assert str(rows[0][1]) == "[nan, -inf, 2]"
    assert rows[1][1][0] == 12345678901234567890123
    assert "1 of the first 2 objects have a key twice; the last one holds" in notes


def test_a_broken_object_among_pretty_ones_costs_itself_alone() -> None:
    good = json.dumps({"user": "a", "text": '} { " ['}, indent=2)
    rows, bad, notes = read(f'{good}\n{{\n  "user": "b",\n{good}\nnoise\n{good}\n{{ "user":', "user")
    assert [cells for _, cells in rows] == [["a"]] * 3
    assert [line for line, _ in bad] == [5, 11, 16]
    assert "over many lines" in notes


def test_documents_of_pandas_and_of_apis() -> None:
    for document in (
        {"user": {"0": "a", "1": "b"}, "item": {"0": 1, "1": 2}},
        {"user": ["a", "b"], "item": [1, 2]},
        {"count": 2, "rows": [{"user": "a", "item": 1}, {"user": "b", "item": 2}]},
        {"columns": ["user", "item"], "index": [0, 1], "data": [["a", 1], ["b", 2]]},
        [["user", "item"], ["a", 1], ["b", 2]],
    ):
        for indent in (None, 2):
            rows, _, notes = read(json.dumps(document, indent=indent), "user", "item")
            assert [cells for _, cells in rows] == [["a", 1], ["b", 2]]
            assert "one JSON" in notes
    rows, _, notes = read(json.dumps({"x1": {"title": "t"}, "x2": {"title": "s"}}))
    assert [cells for _, cells in rows] == [["x1", "t"], ["x2", "s"]]
    assert "(key)" in notes


def test_arrays_one_a_line() -> None:
    rows, bad, _ = read('["u1", "i1", 5]\n["u2", "i2"]\n["u3", "i3", 4]\n', "1", "3")
    assert rows == [(1, ["u1", 5]), (3, ["u3", 4])]
    assert bad == [(2, "has 2 values, expected an array of 3")]
    assert read('[{"user": 1}, {"user": 2}]\n[{"user": 3}]\n')[0] == [(1, [1]), (1, [2]), (2, [3])]


def test_a_name_with_a_dot_wins_over_a_path() -> None:
    rows, _, _ = read(
        '{"user.id": 1, "user": {"id": 2}, "a.b": {"c": 3}}\n{"user": {"id": 4}}\n', "user.id", "a.b.c"
    )
    assert [cells for _, cells in rows] == [[1, 3], [4, None]]


def test_what_is_no_table_is_refused() -> None:
    with pytest.raises(DataError, match="none of its first lines is an object"):
        json_table("t", "{ not json\n")
    with pytest.raises(DataError, match="can't be read"):
        json_table("t", '[{"a": 1},\n{"a"')


@given(
    st.lists(st.dictionaries(st.text(max_size=5), st.text(max_size=8), min_size=1), min_size=1, max_size=5)
)
def test_pieces_are_what_was_written(objects: list[dict[str, str]]) -> None:
    text = "\n".join(json.dumps(each, indent=1) for each in objects)
    assert [json.loads(piece.text) for piece in pieces(text.split("\n"))] == objects
