"""Every format to the same rows, with the line each one begins at."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.errors import DataError
from streams.datasets.tables.bad_rows import BadRows
from streams.datasets.tables.delimited import delimited_table
from streams.datasets.tables.table import Table
from streams.datasets.tables.tables import open_table


def table_of(tmp_path: Path, content: bytes | str, numbered: bool = False) -> Table:
    path = tmp_path / "data"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return open_table(str(path), numbered)


def rows_of(table: Table, *columns: str) -> tuple[list[tuple[int, list[object]]], list[tuple[int, str]]]:
    bad = BadRows()
    rows = [(row.line, row.cells) for row in table.rows(columns or table.columns, bad)]
    return rows, [(row.line, row.reason) for row in bad.rows]


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|", "::"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_delimiters_and_line_ends(tmp_path: Path, delimiter: str, end: str) -> None:
    lines = [["user", "item", "ts"], ["u1", "Ünï, code", "1"], ["u2", "b", "2"]]
    if delimiter == ",":
        lines[1][1] = '"Ünï, code"'
    content = end.join(delimiter.join(line) for line in lines) + end
    rows, bad = rows_of(table_of(tmp_path, content))
    assert rows == [(2, ["u1", "Ünï, code", "1"]), (3, ["u2", "b", "2"])]
    assert not bad


def test_lone_carriage_returns_and_no_end_of_line(tmp_path: Path) -> None:
    assert rows_of(table_of(tmp_path, "user,item\ra,b\rc,d"))[0] == [(2, ["a", "b"]), (3, ["c", "d"])]


def test_byte_order_marks(tmp_path: Path) -> None:
    for encoding in ("utf-8-sig", "utf-16"):
        table = table_of(tmp_path, "user,item\nä,b\n".encode(encoding))
        assert table.columns == ("user", "item")
        assert rows_of(table)[0] == [(2, ["ä", "b"])]


def test_latin_1_is_read_and_said(tmp_path: Path) -> None:
    table = table_of(tmp_path, "1::Café::x\n2::Él::y\n".encode("latin-1"), numbered=True)
    assert rows_of(table)[0] == [(1, ["1", "Café", "x"]), (2, ["2", "Él", "y"])]
    assert any("Windows-1252" in note for note in table.notes)


def test_one_broken_byte_in_utf_8_is_one_bad_row(tmp_path: Path) -> None:
    rows, bad = rows_of(table_of(tmp_path, "user,item\nä,b\nö,b\n".encode() + b"\xff,c\n" + b"d,e\n"))
    assert [line for line, _ in rows] == [2, 3, 5]
    assert bad == [(4, "is not valid UTF-8, as the rest of the file is")]


def test_nul_is_a_bad_row_and_a_binary_file_an_error(tmp_path: Path) -> None:
    rows, bad = rows_of(table_of(tmp_path, "user,item\na,b\nc\0,d\n"))
    assert [line for line, _ in rows] == [2]
    assert bad == [(3, "contains a NUL character")]
    with pytest.raises(DataError, match="is not text"):
        table_of(tmp_path, bytes(range(256)) * 20)


def test_widths_that_differ_are_bad_rows_with_their_line(tmp_path: Path) -> None:
    rows, bad = rows_of(table_of(tmp_path, "user,item,ts\na,b,1\n\na,b\nc,d,2,\na,b,c,d\n"))
    assert rows == [
        (2, ["a", "b", "1"]),
        (5, ["c", "d", "2"]),
    ]  # line 5 has an empty field too many: harmless
    assert bad == [(4, "has 2 fields, expected 3"), (6, "has 4 fields, expected 3")]


def test_quoted_line_ends_keep_the_line_where_the_row_begins(tmp_path: Path) -> None:
    rows, bad = rows_of(table_of(tmp_path, 'user,text\na,"one\ntwo ""quoted""\nthree"\nb,x\nc\n'))
    assert rows == [(2, ["a", 'one\ntwo "quoted"\nthree']), (5, ["b", "x"])]
    assert bad == [(6, "has 1 fields, expected 2")]


def test_an_unclosed_quote_costs_one_row_at_most(tmp_path: Path) -> None:
    good = "".join(f"u{i},i{i},{i}\n" for i in range(500))
    rows, bad = rows_of(table_of(tmp_path, f'user,item,ts\nu,"i,1\n{good}'))
    assert len(rows) == 501
    assert rows[:2] == [(2, ["u", '"i', "1"]), (3, ["u0", "i0", "0"])]
    assert not bad
    rows, bad = rows_of(table_of(tmp_path, f'user,item,ts\nu,"i,x,1\n{good}'))
    assert len(rows) == 500
    assert bad == [(2, 'opens a quote (") that is not closed')]


def test_quotes_inside_tab_separated_text_are_plain_characters(tmp_path: Path) -> None:
    rows, _ = rows_of(table_of(tmp_path, 'item_id:token\tname:token_seq\n1\t"Weird" Al\n2\t12" single\n'))
    assert rows == [(2, ["1", '"Weird" Al']), (3, ["2", '12" single'])]


def test_typed_headers_lose_their_types(tmp_path: Path) -> None:
    table = table_of(tmp_path, "user_id:token\titem_id:token\tclass:token_seq\n1\t2\ta b\n")
    assert table.columns == ("user_id", "item_id", "class")
    assert table.types == {"user_id": "token", "item_id": "token", "class": "token_seq"}


def test_numbered_columns_need_no_header_but_pass_one_over(tmp_path: Path) -> None:
    assert rows_of(table_of(tmp_path, "196\t242\t3\n186\t302\t3\n", numbered=True), "2")[0] == [
        (1, ["242"]),
        (2, ["302"]),
    ]
    table = table_of(tmp_path, "userId,movieId\n196,242\n", numbered=True)
    assert rows_of(table)[0] == [(2, ["196", "242"])]
    assert any("header" in note for note in table.notes)


def test_a_header_alone_or_no_columns_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="a header line but no rows"):
        table_of(tmp_path, "user,item\n")
    with pytest.raises(DataError, match="no columns found"):
        table_of(tmp_path, "just a line\nand another\n")


def test_huge_fields(tmp_path: Path) -> None:
    rows, bad = rows_of(table_of(tmp_path, f"user,text\na,{'x' * 500_000}\nb,{'y' * 2_000_000}\nc,z\n"))
    assert [(line, len(str(cells[1]))) for line, cells in rows] == [(2, 500_000), (4, 1)]
    assert [line for line, _ in bad] == [3]
    assert "field larger than field limit" in bad[0][1]


def test_json_lines(tmp_path: Path) -> None:
    content = '{"user": "a", "rating": NaN}\n\nnot json\n{\'user\': "c", \'late\': [1]}\n[1]\n{"user": "ü"}\n'
    table = table_of(tmp_path, content)
    assert table.columns == ("user", "rating", "late")
    rows, bad = rows_of(table, "user", "late")
    assert rows == [(1, ["a", None]), (4, ["c", [1]]), (6, ["ü", None])]
    assert bad == [(3, "is not a JSON object"), (5, "is not a JSON object")]


def test_json_lines_run_no_code(tmp_path: Path) -> None:
    content = "{'user': 'a'}\n{'user': __import__('os').getcwd()}\n"
    assert rows_of(table_of(tmp_path, content))[1] == [(2, "is not a JSON object")]


def test_json_array(tmp_path: Path) -> None:
    table = table_of(tmp_path, '[{"user": "a"},\n 3,\n {"user": "b", "item": 7}]')
    rows, bad = rows_of(table, "user", "item")
    assert rows == [(1, ["a", None]), (3, ["b", 7])]
    assert bad == [(2, "is not a JSON object")]
    with pytest.raises(DataError, match="JSON array but can't be read"):
        table_of(tmp_path, '[{"user": "a"},')
    with pytest.raises(DataError, match="no objects"):
        table_of(tmp_path, "[]")


def test_parquet(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "user": [1, 2],
            "when": [datetime(2020, 1, 1, tzinfo=UTC), None],
            "genres": [["a", "b"], []],
            "kind": pl.Series(["x", "y"], dtype=pl.Categorical),
        }
    )
    frame.write_parquet(tmp_path / "data")
    rows, bad = rows_of(open_table(str(tmp_path / "data")))
    assert rows == [
        (1, [1, datetime(2020, 1, 1, tzinfo=UTC), ["a", "b"], "x"]),
        (2, [2, None, [], "y"]),
    ]
    assert not bad
    frame.head(0).write_parquet(tmp_path / "data")
    with pytest.raises(DataError, match="no rows"):
        open_table(str(tmp_path / "data"))
    with pytest.raises(DataError, match="begins as Parquet but can't be read"):
        table_of(tmp_path, b"PAR1 and no more")


CELL = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0\r"), max_size=8)


@given(st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=20))
def test_whatever_csv_writes_is_read_back(cells: list[tuple[str, str, str]]) -> None:
    quoted = ["x,y,z", *(",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in cells)]
    text = "\n".join(quoted) + "\n"
    rows, bad = rows_of(delimited_table("t", text, numbered=False))
    assert [tuple(row) for _, row in rows] == cells
    assert not bad
    for (line, _), row in zip(rows, quoted[1:], strict=True):
        assert text.split("\n")[line - 1] == row.split("\n")[0]


def test_two_colons_win_over_bars_of_as_many_fields(tmp_path: Path) -> None:
    path = tmp_path / "movies.dat"
    path.write_text("".join(f"{k}::A: B {k} (1995)::Animation|Children's|Comedy\n" for k in range(9)))
    assert open_table(str(path), numbered=True).columns == ("1", "2", "3")
    rows = list(open_table(str(path), numbered=True).rows(["2"], BadRows()))
    assert rows[0].cells == ["A: B 0 (1995)"]
