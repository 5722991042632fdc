"""Parquet, Feather and ORC to the same rows."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.orc as orc
import pyarrow.parquet as pq
import pytest

from model.errors import DataError
from streams.datasets.tables.bad_rows import BadRows
from streams.datasets.tables.tables import open_table

FRAME = pl.DataFrame({"user": [{"id": 1}, {"id": 2}], "item": ["a", "ü"], "rating": [4.5, None]})


def parquet(frame: pl.DataFrame, out: io.BytesIO) -> None:
    frame.write_parquet(out)


def feather(frame: pl.DataFrame, out: io.BytesIO) -> None:
    frame.write_ipc(out, compression="zstd")


def stream(frame: pl.DataFrame, out: io.BytesIO) -> None:
    frame.write_ipc_stream(out)


def as_orc(frame: pl.DataFrame, out: io.BytesIO) -> None:
    orc.write_table(frame.to_arrow(compat_level=pl.CompatLevel.oldest()), out)


@pytest.mark.parametrize("write", [parquet, feather, stream, as_orc])
def test_columnar_formats(tmp_path: Path, write: Callable[[pl.DataFrame, io.BytesIO], None]) -> None:
    out = io.BytesIO()
    write(FRAME, out)
    (tmp_path / "data").write_bytes(out.getvalue())
    table = open_table(str(tmp_path / "data"))
    assert table.columns == ("user", "user.id", "item", "rating")
    rows = [row.cells for row in table.rows(["user.id", "item", "rating"], BadRows())]
    assert rows == [[1, "a", 4.5], [2, "ü", None]]
    assert any("read as" in note for note in table.notes)
    (tmp_path / "data").write_bytes(out.getvalue()[:-20])
    with pytest.raises(DataError, match=r"can't be read|is not text"):
        open_table(str(tmp_path / "data"))


def test_text_that_is_not_utf_8_becomes_u_fffd_with_a_count(tmp_path: Path) -> None:
    cells = pa.array([b"good", b"cut \xed\xa0\xbd"])
    text = pa.Array.from_buffers(pa.string(), 2, cells.buffers())
    pq.write_table(pa.table({"user": ["a", "b"], "text": text}), tmp_path / "data")
    table = open_table(str(tmp_path / "data"))
    rows = [row.cells for row in table.rows(["user", "text"], BadRows())]
    assert rows == [["a", "good"], ["b", "cut \ufffd\ufffd\ufffd"]]
    assert any("1 texts are not valid UTF-8" in note for note in table.notes)


def test_floats_that_round_ids_are_told(tmp_path: Path) -> None:
    frame = pl.DataFrame({"user": [1.0, 2.0], "item": [16_777_217.0, 16_777_219.0]})
    frame.cast(pl.Float32).write_parquet(tmp_path / "data")
    table = open_table(str(tmp_path / "data"))
    assert len(list(table.rows(["user", "item"], BadRows()))) == 2
    (note,) = [note for note in table.notes if "32 bits" in note]
    assert "column item has" in note
