"""No row is swallowed by a quote, and no text that runs over lines is torn apart."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from streams.datasets.files.reading import Reading
from streams.datasets.tables.bad_rows import BadRows
from streams.datasets.tables.delimited import delimited_table

HEADER = ("user", "item", "ts", "text")
Cells = list[str]


def read(text: str, reading: Reading = Reading()) -> tuple[list[Cells], list[tuple[int, str]], list[str]]:
    """Rows, bad rows and notes."""
    table, bad = delimited_table("t", text, reading=reading), BadRows()
    rows = [[str(cell) for cell in row.cells] for row in table.rows(table.columns, bad)]
    return rows, [(row.line, row.reason) for row in bad.rows], list(table.notes)


def written(rows: list[Cells], **dialect: Any) -> str:
    out = io.StringIO()
    writer = csv.writer(out, **{"lineterminator": "\n", **dialect})
    writer.writerows([list(HEADER), *rows])
    return out.getvalue()


def plain_rows(count: int) -> list[Cells]:
    return [[f"u{k % 17}", f"i{k % 29}", str(1_500_000_000 + k), f"nice thing {k}"] for k in range(count)]


REVIEW = 'Great "book", I think.\n\nLoved it, really, so much, yes\n5, 4, 3, go'


@pytest.mark.parametrize(
    ("first", "second"), [('"{}', '"{}'), ('"{}', '{}"'), ('{}"', '"{}'), ('"{}', '{}" x'), ('"{}', '"{}"')]
)
@pytest.mark.parametrize("apart", [1, 2, 3, 30, 300])
@pytest.mark.parametrize("column", [0, 1, 3])
def test_two_stray_quotes_swallow_no_rows(first: str, second: str, apart: int, column: int) -> None:
    lines = [",".join(row) for row in plain_rows(400)]
    for place, form in ((50, first), (50 + apart, second)):
        cells = lines[place].split(",")
        cells[column] = form.format(cells[column])
        lines[place] = ",".join(cells)
    rows, bad, notes = read("\n".join([",".join(HEADER), *lines]) + "\n")
    assert len(rows) == 400
    assert not bad
    untouched = [k for k in range(400) if k not in (50, 50 + apart)]
    assert [rows[k] for k in untouched] == [plain_rows(400)[k] for k in untouched]
    if first != '{}"':
        assert any("the first in line 52" in note and "--quotes" in note for note in notes)


@pytest.mark.parametrize("count", [5, 400])
def test_text_over_lines_is_one_cell(count: int) -> None:
    expected = plain_rows(count)
    for row in expected[::3]:
        row[3] = REVIEW
    for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_ALL):
        rows, bad, notes = read(written(expected, quoting=quoting))
        assert rows == expected
        assert not bad
        assert any("have line ends inside quotes" in note for note in notes)


def test_a_stray_quote_among_texts_over_lines() -> None:
    expected = plain_rows(400)
    for row in expected[::3]:
        row[3] = REVIEW
    lines = written(expected).replace("nice thing 50\n", '"nice thing 50\n')
    rows, bad, _ = read(lines)
    expected[50][3] = '"nice thing 50'
    assert rows == expected
    assert not bad


def test_the_flag_changes_the_reading() -> None:
    text = 'user,item,ts,text\nu,i,1,"a\nu,i,2,b"\nu,i,3,c\n'
    assert len(read(text)[0]) == 3
    assert read(text, Reading(quotes="standard"))[0] == [["u", "i", "1", "a\nu,i,2,b"], ["u", "i", "3", "c"]]
    assert read(text, Reading(quotes="none"))[0][0] == ["u", "i", "1", '"a']
    escaped = 'user,item,ts,text\nu,i,1,"say \\"hi\\", you"\nu,i,2,\\N\n'
    assert read(escaped)[0] == [["u", "i", "1", 'say "hi", you'], ["u", "i", "2", "\\N"]]
    assert read(escaped, Reading(quotes="backslash"))[0] == read(escaped)[0]
    assert read(escaped, Reading(quotes="none"))[1] == [(2, "has 5 fields, expected 4")]


@pytest.mark.parametrize(
    ("line", "cells"),
    [
        ('u,i,1,"a ""b"" c"', ["u", "i", "1", 'a "b" c']),
        ('u,i,1,5" disk', ["u", "i", "1", '5" disk']),
        ('u,i,1,"Weird" Al', ["u", "i", "1", '"Weird" Al']),
        ('u,i,1,"say "hi" to"', ["u", "i", "1", 'say "hi" to']),
        ('"u","i","1"," x "', ["u", "i", "1", " x "]),
        ('u,i,1,"C:\\dir\\"', ["u", "i", "1", "C:\\dir\\"]),
        ('u,i,1,""', ["u", "i", "1", ""]),
        ('u,i,1,"', ["u", "i", "1", '"']),
        ('"u,i,1,x"', ['"u', "i", "1", 'x"']),
    ],
)
def test_odd_quotes_in_one_line(line: str, cells: Cells) -> None:
    rows, bad, _ = read(
        "user,item,ts,text\n" + "".join(f"v,j,{k},y\n" for k in range(5)) + line + "\nw,k,9,z\n"
    )
    assert rows[5] == cells
    assert len(rows) == 7
    assert not bad


ODD = st.text(st.sampled_from("abcde f5\"',;\t|\n"), max_size=12)
ODDER = st.text(st.sampled_from("a \"',;\t|\\\n"), max_size=9)
WORD = st.text(st.sampled_from("abcxyz019"), min_size=1, max_size=4)
ROW = st.tuples(WORD, ODD, st.integers(10**9, 2 * 10**9).map(str), ODD).map(list)
ROWS = st.lists(ROW, min_size=4, max_size=12)
ODDER_ROWS = st.lists(
    st.tuples(WORD, ODDER, st.integers(10**9, 2 * 10**9).map(str), ODDER).map(list), min_size=1, max_size=12
)


@given(
    ROWS, st.sampled_from(",;\t|"), st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])
)
def test_any_dialect_with_doubled_quotes_is_read_back(
    rows: list[Cells], delimiter: str, quoting: int
) -> None:
    # A line of a text that is nothing but a row's delimiters passes for a row.
    assume(not any(3 * delimiter in cell.split("\n") for row in rows for cell in row))
    # So does a row over several lines of which each has as many fields as a row.
    lines = [written([row], delimiter=delimiter, quoting=quoting).splitlines()[1:] for row in rows]
    assume(not any(len(its) > 1 and all(line.count(delimiter) == 3 for line in its) for its in lines))
    text = written(rows, delimiter=delimiter, quoting=quoting)
    for end in ("\n", "\r\n"):
        found, bad, _ = read(
            text if end == "\n" else written(rows, delimiter=delimiter, quoting=quoting, lineterminator=end)
        )
        assert found == rows
        assert not bad


@given(ODDER_ROWS, st.sampled_from(",;\t|"), st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
def test_the_standard_reading_believes_every_quote(rows: list[Cells], delimiter: str, quoting: int) -> None:
    text = written(rows, delimiter=delimiter, quoting=quoting)
    found, bad, _ = read(text, Reading(quotes="standard", separator=delimiter))
    assert found == rows
    assert not bad


@given(
    ODDER_ROWS, st.sampled_from(",;\t|"), st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONE])
)
def test_any_dialect_with_backslashes_is_read_back(rows: list[Cells], delimiter: str, quoting: int) -> None:
    text = written(rows, delimiter=delimiter, quoting=quoting, doublequote=False, escapechar="\\")
    found, bad, _ = read(text, Reading(quotes="backslash", separator=delimiter))
    assert found == rows
    assert not bad


# Apostrophes where quotes would stand are quotes in a file of three rows, of which one has a stray one.
PLAIN = st.text(st.sampled_from("ab 5',"), max_size=9).filter(
    lambda text: not re.search(r"(^|,) *'|' *(,|$)", text)
)
PLAIN_ROWS = st.lists(
    st.tuples(WORD, PLAIN, st.integers(10**9, 2 * 10**9).map(str), PLAIN).map(list), min_size=3, max_size=12
)


@given(
    PLAIN_ROWS,
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.data(),
)
def test_one_stray_quote_in_any_cell_loses_no_other_row(
    rows: list[Cells], quoting: int, data: st.DataObject
) -> None:
    lines = written(rows, quoting=quoting).split("\n")
    line = data.draw(st.integers(1, len(rows)), label="line")
    place = data.draw(st.integers(0, len(lines[line])), label="place")
    lines[line] = lines[line][:place] + '"' + lines[line][place:]
    found, bad, _ = read("\n".join(lines))
    others = rows[: line - 1] + rows[line:]
    assert len(found) + len(bad) == len(rows)
    assert found == others or found[: line - 1] + found[line:] == others
