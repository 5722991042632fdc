"""Layouts that public datasets have: each is read rightly and said, or refused with what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from model.errors import DataError
from streams.datasets.dataset import DatasetSpec, load_dataset
from streams.datasets.files.reading import Reading
from streams.datasets.tables.bad_rows import BadRows
from streams.datasets.tables.tables import open_table

CSV = "user_id,item_id,timestamp\n" + "".join(f"u{k % 7},i{k % 5},{1_500_000_000 + k}\n" for k in range(40))


class Read:
    """A file's columns, rows, bad rows and notes."""

    def __init__(self, spec: str, numbered: bool = False, reading: Reading = Reading()) -> None:
        table, bad = open_table(spec, numbered, reading), BadRows()
        self.columns = table.columns
        self.rows = [row.cells for row in table.rows(table.columns, bad)]
        self.bad = [str(row) for row in bad.rows]
        self.notes = " / ".join(table.notes)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data"


def of(file: Path, content: str | bytes, numbered: bool = False, reading: Reading = Reading()) -> Read:
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return Read(str(file), numbered, reading)


@pytest.mark.parametrize("between", [" ", "\t", "mixed"])
def test_konect(file: Path, between: str) -> None:
    lines = ["1 2 5 1024348534", "2 2 4 1024348535"]
    if between == "mixed":
        lines = [line.replace(" ", "\t").replace("\t", " ", 1) for line in lines]
    text = "% bip weighted\n% 2 2 1\n" + "\n".join(
        line.replace(" ", between) if between == "\t" else line for line in lines
    )
    read = of(file, text)
    assert read.columns == ("user", "item", "rating", "timestamp")
    assert read.rows == [["1", "2", "5", "1024348534"], ["2", "2", "4", "1024348535"]]
    assert "KONECT edge list" in read.notes
    assert "2 comment lines left out" in read.notes
    assert of(file, text, numbered=True).rows == read.rows
    assert load_dataset(DatasetSpec(str(file))).interactions.ts_ms.tolist() == [1024348534000, 1024348535000]


@pytest.mark.parametrize(
    "text", ["% sym unweighted\n1 2\n2 3\n", "# Directed graph\n# FromNodeId\tToNodeId\n0\t1\n0\t2\n"]
)
def test_edge_lists_without_times_are_refused_with_the_reason(file: Path, text: str) -> None:
    file.write_text(text)
    with pytest.raises(DataError, match="An edge list without times says nothing of the order"):
        load_dataset(
            DatasetSpec(str(file), columns="user=FromNodeId,item=ToNodeId" if "From" in text else "")
        )


def test_snap(file: Path) -> None:
    read = of(file, "# Nodes: 4 Edges: 5\n# FromNodeId\tToNodeId\n0\t1\n0\t2\n")
    assert read.columns == ("FromNodeId", "ToNodeId")
    assert read.rows == [["0", "1"], ["0", "2"]]


def test_netflix_blocks(file: Path) -> None:
    read = of(file, "1:\n1488844,3,2005-09-06\n822109,5,2005-05-13\n2:\n1,4,2005-01-01\noops\n")
    assert read.columns == ("movie_id", "user_id", "rating", "date")
    assert read.rows[0] == ["1", "1488844", "3", "2005-09-06"]
    assert read.rows[2] == ["2", "1", "4", "2005-01-01"]
    assert read.bad == ["data:6: has 1 fields, expected user,rating,date of a movie"]
    assert "Netflix" in read.notes
    assert load_dataset(DatasetSpec(str(file))).interactions.item == ["2", "1", "1"]


def test_a_separator_line(file: Path) -> None:
    read = of(file, "sep=;\nuser;item;ts\na;b;1,5\n")
    assert read.rows == [["a", "b", "1,5"]]
    assert "semicolon as its sep= line says" in read.notes


@pytest.mark.parametrize("mark", ["#", "%"])
def test_comment_lines(file: Path, mark: str) -> None:
    read = of(
        file, f"{mark} made by, a tool\n{mark}\n" + CSV.replace("u3,i3", f"{mark} half way, here\nu3,i3", 1)
    )
    assert len(read.rows) == 40
    assert "3 comment lines left out" in read.notes
    read = of(file, CSV.replace("u3,i3", f"{mark} half way\nu3,i3", 1))
    assert len(read.rows) == 40
    assert not read.bad
    assert "1 comment lines left out" in read.notes
    read = of(file, "user,item\n#1,a\n#2,b\n")
    assert read.rows == [["#1", "a"], ["#2", "b"]]  # rows that fit are rows
    read = of(file, "#user,item\n1,a\n")
    assert read.columns == ("user", "item")
    read = of(file, "user,item\n//1,a\n2,b\n", reading=Reading(comments="//"))
    assert read.rows == [["2", "b"]]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-16", "utf-32", "utf-8-sig"])
@pytest.mark.parametrize("kind", ["csv", "json"])
def test_unicode_with_and_without_a_mark(file: Path, encoding: str, kind: str) -> None:
    text = CSV.replace("u3", "ü3") if kind == "csv" else '{"user_id": "ü3", "item_id": "i1"}\n' * 9
    read = of(file, text.encode(encoding))
    assert read.columns[:2] == ("user_id", "item_id")
    assert sum(row[0] == "ü3" for row in read.rows) == (6 if kind == "csv" else 9)
    assert not read.bad


@pytest.mark.parametrize(
    ("encoding", "text", "message"),
    [
        ("cp1252", "Café – “fine”, señor", "Windows-1252"),
        ("gb18030", "很好的电影，我喜欢它", "GB18030"),
        ("cp932", "とても良い映画でした", "Shift-JIS"),
        ("euc_jp", "とても良い映画でした", "EUC_JP"),
        ("big5", "很好的電影，我喜歡它", "BIG5"),
        ("cp1251", "очень хороший фильм", "Windows-1251"),
        ("euc_kr", "아주 좋은 영화입니다", "EUC_KR"),
    ],
)
def test_other_encodings_are_read_and_said(file: Path, encoding: str, text: str, message: str) -> None:
    content = ("user;item;text\n" + f"u;i;{text}\n" * 9).encode(encoding)
    read = of(file, content)
    assert read.rows == [["u", "i", text]] * 9
    assert message in read.notes
    assert "--encoding" in read.notes
    assert of(file, content, reading=Reading(encoding=encoding)).rows == read.rows


def test_an_encoding_that_was_asked_for_wins(file: Path) -> None:
    content = "user,item\nПривет,b\n".encode("koi8-r")
    assert of(file, content, reading=Reading(encoding="koi8-r")).rows == [["Привет", "b"]]
    read = of(file, content, reading=Reading(encoding="utf-8"))
    assert "characters could not be read and became U+FFFD" in read.notes


@pytest.mark.parametrize("end", ["\r", "\r\n", "\n"])
@pytest.mark.parametrize("tail", ["", "\n", "\x1a", "\r\n\r\n"])
def test_line_ends(file: Path, end: str, tail: str) -> None:
    read = of(file, CSV.replace("\n", end) + tail)
    assert len(read.rows) == 40
    assert read.rows[0] == ["u0", "i0", "1500000000"]
    assert not read.bad


def test_white_space(file: Path) -> None:
    read = of(file, "user item rating ts\n  a   b 5\t1\nc d 4 2\n")
    assert read.rows == [["a", "b", "5", "1"], ["c", "d", "4", "2"]]
    assert "split at white space" in read.notes
    read = of(file, '"user" "item" "ts"\n"1" "u 1" "i1" 5\n"2" "u2" "i2" 6\n')
    assert read.columns == ("(row)", "user", "item", "ts")
    assert read.rows[0] == ["1", "u 1", "i1", "5"]
    assert "one field more than the header" in read.notes


def test_headers(file: Path) -> None:
    read = of(file, CSV + CSV)
    assert len(read.rows) == 80
    assert "1 repeated header lines left out" in read.notes
    read = of(file, "My export\nof today\n\n" + CSV)
    assert len(read.rows) == 40
    assert "2 lines before the header left out" in read.notes
    read = of(file, "who,what,when\n1,2,1500000000\n3,4,1500000001\n", numbered=True)
    assert read.rows == [["1", "2", "1500000000"], ["3", "4", "1500000001"]]
    assert "the first line is a header" in read.notes
    assert len(of(file, "1,2,1500000000\n3,4,1500000001\n", numbered=True).rows) == 2
    read = of(file, "user,item,user\na,b,c\n")
    assert read.columns == ("user", "item", "user (2)")
    assert "more than one column is called 'user'" in read.notes


def test_the_separator_can_be_named(file: Path) -> None:
    assert of(file, "user~item\na~b\n", reading=Reading(separator="~")).rows == [["a", "b"]]
    assert of(file, "user\x01item\na\x01b\n").rows == [["a", "b"]]
    assert of(file, "user||item\na||b\n", reading=Reading(separator="||")).rows == [["a", "b"]]
    with pytest.raises(DataError, match=r"no columns found.*--separator"):
        of(file, "user~item\na~b\n")


def test_the_reading_is_always_said(file: Path) -> None:
    assert "UTF-8, split at comma" in of(file, CSV).notes
    assert 'fields quoted by "' in of(file, CSV.replace("u3", '"u3"')).notes


def test_single_quotes(file: Path) -> None:
    read = of(file, "1,'Toy Story','Children''s, x'\n2,'Up','Fun'\n", numbered=True)
    assert read.rows == [["1", "Toy Story", "Children's, x"], ["2", "Up", "Fun"]]
    assert "fields quoted by '" in read.notes
    read = of(file, "id,title\n1,'Til Death\n2,Rock 'n' Roll\n3,'90s\n4,'Quoted'\n")
    assert [row[1] for row in read.rows] == ["'Til Death", "Rock 'n' Roll", "'90s", "'Quoted'"]


def test_columns_inside_of_objects_are_found_and_can_be_named(file: Path) -> None:
    line = '{"user": {"id": %d}, "what": {"it": {"sku": "s%d"}}, "at": {"$date": 1500000000000}}\n'
    file.write_text("".join(line % (k, k) for k in range(3)))
    stream = load_dataset(DatasetSpec(str(file), columns="item=what.it.sku,ts=at")).interactions
    assert sorted(stream.user) == ["0", "1", "2"]
    assert sorted(stream.item) == ["s0", "s1", "s2"]
    assert stream.ts_ms.tolist() == [1_500_000_000_000] * 3


def test_blocks_of_fields(file: Path) -> None:
    block = (
        "product/productId: B{0}\nreview/userId: A{0}\nreview/profileName: x: y\nreview/score: 4.0\n"
        "review/time: 13038624{0:02}\nreview/summary:\nreview/text: Good: it came\nand went\n\n"
    )
    read = of(file, "".join(map(block.format, range(8))).rstrip() + "\nPros: cheap\n\nno field\n")
    assert read.columns == ("productId", "userId", "profileName", "score", "time", "summary", "text")
    assert read.rows[7][6] == "Good: it came\nand went\nPros: cheap"
    assert read.rows[0] == ["B0", "A0", "x: y", "4.0", "1303862400", "", "Good: it came\nand went"]
    assert read.bad == ["data:74: does not begin with a line FIELD: VALUE"]
    assert "blocks of lines FIELD: VALUE" in read.notes
    events = load_dataset(DatasetSpec(str(file))).interactions
    assert (events.user[0], events.item[0], events.rating[0]) == ("A0", "B0", 4.0)
    assert events.text is not None
    assert events.text[0] == "Good: it came\nand went"


@pytest.mark.parametrize(
    "text", [CSV, "title: x\nuser,item\na,b\n", "note: made by us\n\nuser,item,ts\na,b,1\nc,d,2\n"]
)
def test_a_title_with_a_colon_is_no_block(file: Path, text: str) -> None:
    assert "blocks" not in of(file, text).notes
