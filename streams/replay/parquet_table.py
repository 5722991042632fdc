"""Parquet, by polars. Rows are numbered from 1."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

from model.errors import DataError
from streams.replay.bad_rows import BadRows
from streams.replay.table import Row, Table


def parquet_table(name: str, content: bytes) -> Table:
    """A table of a Parquet file; times become Python datetimes, categories strings."""
    try:
        import polars as pl
    except ImportError:
        raise DataError(f"{name}: reading Parquet needs polars; install it: pip install polars") from None
    try:
        frame = pl.read_parquet(io.BytesIO(content))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(f"{name} begins as Parquet but can't be read: {error}") from None
    if frame.height == 0:
        raise DataError(f"{name} has columns but no rows")

    def rows(wanted: Sequence[str], _bad: BadRows) -> Iterator[Row]:
        columns = [frame[column].to_list() for column in wanted]
        for number, cells in enumerate(zip(*columns, strict=True), 1):
            yield Row(number, list(cells))

    return Table(name, tuple(frame.columns), rows)
