"""A folder of parts is one table; a folder of anything else is refused."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import polars as pl
import pytest

from model.errors import DataError
from streams.datasets.dataset import DatasetSpec, load_dataset
from streams.datasets.files.parts import are_parts
from streams.datasets.tables.bad_rows import BadRows
from streams.datasets.tables.tables import open_table

HEADER = "user,item,ts\n"


def rows_of(spec: Path | str, numbered: bool = False) -> tuple[list[list[object]], BadRows, str]:
    table, bad = open_table(str(spec), numbered), BadRows()
    return [row.cells for row in table.rows(table.columns, bad)], bad, " / ".join(table.notes)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "events"
    made.mkdir()
    (made / "_SUCCESS").write_text("")
    (made / "._SUCCESS.crc").write_text("x")
    (made / ".part-00000.crc").write_text("x")
    return made


@pytest.mark.parametrize("headers", ["every", "first", "none"])
def test_csv_parts(folder: Path, headers: str) -> None:
    for k in range(3):
        head = HEADER if headers == "every" or (headers == "first" and k == 0) else ""
        (folder / f"part-0000{k}").write_text(head + f"u{k},a,1500000000\nu{k},b,1500000001\n")
    (folder / "part-00003").write_text("")
    rows, bad, notes = rows_of(folder, numbered=headers == "none")
    assert rows == [
        [f"u{k}", item, str(ts)] for k in range(3) for item, ts in (("a", 1500000000), ("b", 1500000001))
    ]
    assert not len(bad)
    assert "3 parts" in notes
    assert "part-00000, part-00001, part-00002" in notes


def test_compressed_json_and_parquet_parts(folder: Path, tmp_path: Path) -> None:
    for k in range(2):
        (folder / f"part-0000{k}-1f2a3b4c-1111-2222-3333-44445555666{k}-c000.json.gz").write_bytes(
            gzip.compress(b'{"user": "u%d", "item": "a"}\n' % k)
        )
    assert rows_of(folder)[0] == [["u0", "a"], ["u1", "a"]]
    other = tmp_path / "parquet"
    for day in ("2020-01-01", "2020-01-02"):
        (other / f"day={day}").mkdir(parents=True)
        pl.DataFrame({"user": [1], "item": [2]}).write_parquet(other / f"day={day}" / "part-0.parquet")
    assert rows_of(other)[0] == [[1, 2, "2020-01-01"], [1, 2, "2020-01-02"]]


def test_a_bad_row_names_its_part(folder: Path) -> None:
    for k in range(2):
        (folder / f"{k:06}_0").write_text(HEADER + f"u{k},a,1\nu{k},a\nu{k},b,2\n")
    rows, bad, _ = rows_of(folder)
    assert len(rows) == 4
    assert [str(row) for row in bad.rows] == [
        "events:3: has 2 fields, expected 3 (000000_0:3)",
        "events:7: has 2 fields, expected 3 (000001_0:3)",
    ]
    assert len(load_dataset(DatasetSpec(str(folder))).interactions) == 4


def test_parts_in_an_archive(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "d.zip", "w") as archive:
        for k in range(2):
            archive.writestr(f"out/part-{k}.csv", HEADER + f"u{k},a,1\n")
        archive.writestr("out/_SUCCESS", "")
        archive.writestr("movies.csv", "movie,title\n1,x\n")
    assert [row[0] for row in rows_of(f"{tmp_path / 'd.zip'}:out")[0]] == ["u0", "u1"]
    with pytest.raises(DataError, match="holds 3 files"):
        open_table(str(tmp_path / "d.zip"))


def test_other_folders_are_refused(tmp_path: Path) -> None:
    (tmp_path / "ratings.csv").write_text(HEADER + "a,b,1\n")
    (tmp_path / "movies.csv").write_text("movie,title\n1,x\n")
    with pytest.raises(
        DataError, match=r"not parts of one table: movies\.csv, ratings\.csv\. Name one, as in .*movies\.csv"
    ):
        open_table(str(tmp_path))


def test_names_of_parts() -> None:
    assert are_parts(["x/part-00000.csv", "x/part-00001.csv"])
    assert are_parts(["ratings_1.csv", "ratings_12.csv"])
    assert are_parts(["xaa", "xab", "xac"])
    assert are_parts(["one.csv"])
    assert not are_parts(["a.csv", "b.csv"])
    assert not are_parts(["part-0.csv", "part-1.json"])
    assert not are_parts(["data", "meta"])


def test_parts_without_rows_and_what_tells_of_them_are_passed_over(folder: Path) -> None:
    (folder / "part-0.csv").write_text("user_id,item_id,timestamp\n")
    (folder / "part-1.csv").write_text("user_id,item_id,timestamp\nu,i,1500000000\n")
    (folder / "part-2.csv").write_text("user_id,item_id,timestamp\n")
    (folder / "README.txt").write_text("made by us")
    table = open_table(str(folder))
    assert [row.cells for row in table.rows(["user_id"], BadRows())] == [["u"]]
    (folder / "part-1.csv").write_text("user_id,item_id,timestamp\n")
    with pytest.raises(DataError, match="3 parts, none of them with rows"):
        open_table(str(folder))


def test_empty_parquet_parts_are_passed_over(folder: Path) -> None:
    frame = pl.DataFrame({"user_id": ["u"], "item_id": ["i"], "timestamp": [1_500_000_000]})
    frame.write_parquet(folder / "part-0.parquet")
    frame.clear().write_parquet(folder / "part-1.parquet")
    assert len(list(open_table(str(folder)).rows(["user_id"], BadRows()))) == 1
