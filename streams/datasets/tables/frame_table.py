"""Columnar files: Parquet, Feather (Arrow IPC) and ORC. Rows have numbers from 1."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from model.errors import DataError, NoRowsError
from streams.datasets.tables.bad_rows import BadRows
from streams.datasets.tables.json_values import cell_of
from streams.datasets.tables.table import Notes, Row, Table

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

PARQUET = b"PAR1"
_KINDS = (
    (PARQUET, "Parquet"),
    (b"ARROW1", "Feather (Arrow IPC)"),
    (b"\xff\xff\xff\xff", "an Arrow IPC stream"),
    (b"FEA1", "Feather, version 1"),
    (b"ORC", "ORC"),
)
_EXACT_FLOAT32 = 2**24


def frame_kind(content: bytes) -> str | None:
    """Which columnar format these bytes are; None for any other."""
    for magic, kind in _KINDS:
        if content.startswith(magic) and (kind != "ORC" or content[-64:].find(b"ORC") >= 0):
            return kind
    return None


def frame_table(name: str, content: bytes, kind: str) -> Table:
    """A table of a columnar file; times become Python datetimes, categories strings.

    A struct's fields are columns with dots in their names, as in JSON. Bytes that are not UTF-8 become
    U+FFFD.
    """
    try:
        import polars as pl
        import pyarrow as pa
    except ImportError:
        raise DataError(f"{name}: reading {kind} needs polars; install it: pip install polars") from None
    notes = Notes(name, [f"read as {kind}"])
    try:
        try:
            frame = (
                pl.read_parquet(io.BytesIO(content)) if kind == "Parquet" else _by_arrow(content, kind, notes)
            )
        except pl.exceptions.ComputeError:
            frame = _by_arrow(content, kind, notes)
    except (pl.exceptions.PolarsError, pa.ArrowException, OSError) as error:
        raise DataError(f"{name} begins as {kind} but can't be read: {error}") from None
    if frame.height == 0:
        raise NoRowsError(f"{name} has columns but no rows")
    columns = tuple(_names(frame.schema))

    def rows(wanted: Sequence[str], _bad: BadRows) -> Iterator[Row]:
        outer = [_outer(column, frame.columns) for column in wanted]
        read = {column: frame[column].to_list() for column in set(outer)}
        for column in dict.fromkeys(outer):
            notes.put(f"rounded {column}", _rounded(frame[column]))
        cells = [
            read[begin] if begin == column else [cell_of({begin: cell}, column) for cell in read[begin]]
            for begin, column in zip(outer, wanted, strict=True)
        ]
        for number, row in enumerate(zip(*cells, strict=True), 1):
            yield Row(number, list(row))

    return Table(name, columns, rows, notes=notes)


def _by_arrow(content: bytes, kind: str, notes: Notes) -> pl.DataFrame:
    """The frame, as pyarrow reads it: it knows more formats, and takes text that is not UTF-8."""
    import polars as pl
    import pyarrow as pa
    import pyarrow.feather
    import pyarrow.orc
    import pyarrow.parquet

    source = pa.BufferReader(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # version 1 of Feather
        if kind == "Parquet":
            table = pyarrow.parquet.read_table(source)
        elif kind == "ORC":
            table = pyarrow.orc.read_table(source)
        elif kind == "an Arrow IPC stream":
            table = pa.ipc.open_stream(source).read_all()
        else:
            table = pyarrow.feather.read_table(source)
    return pl.DataFrame(pl.from_arrow(_in_utf_8(table, notes)))


def _in_utf_8(table: pa.Table, notes: Notes) -> pa.Table:
    """The table with every text valid."""
    import pyarrow as pa

    broken = 0
    for place, column in enumerate(table.schema):
        if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
            continue
        cells = table.column(place).cast(pa.large_binary()).to_pylist()
        texts = [None if cell is None else cell.decode("utf-8", "replace") for cell in cells]
        broken += sum(
            cell is not None and text is not None and cell != text.encode()
            for cell, text in zip(cells, texts, strict=True)
        )
        table = table.set_column(place, column.name, pa.array(texts, pa.large_string()))
    notes.put(
        "utf-8", f"{broken} texts are not valid UTF-8; what could not be read became U+FFFD" if broken else ""
    )
    return table


def _rounded(column: pl.Series) -> str:
    """A note on 32-bit floats beyond the integers that they hold exactly: ids of 7 digits at most."""
    import polars as pl

    if column.dtype != pl.Float32 or not (column.abs() >= _EXACT_FLOAT32).any():
        return ""
    return (
        f"column {column.name} has floats of 32 bits beyond {_EXACT_FLOAT32:,}: ids and times in it are "
        "rounded, and several ids may be one now; write integers or texts"
    )


def _names(schema: Any, begin: str = "") -> Iterator[str]:
    """All columns; the fields of structs have dots in their names."""
    import polars as pl

    for name, kind in schema.items():
        yield begin + name
        if isinstance(kind, pl.Struct):
            yield from _names(kind.to_schema(), f"{begin}{name}.")


def _outer(column: str, columns: Sequence[str]) -> str:
    """The frame's own column that holds a dotted one."""
    if column in columns:
        return column
    return next(each for each in columns if column.startswith(f"{each}."))
