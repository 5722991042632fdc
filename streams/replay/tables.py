"""Open a data file as a table, whatever its format."""

from __future__ import annotations

from streams.replay.delimited import delimited_table
from streams.replay.files import read_data_file
from streams.replay.json_table import json_array_table, json_lines_table
from streams.replay.parquet_table import parquet_table
from streams.replay.table import Table
from streams.replay.text import decode_text

PARQUET = b"PAR1"


def open_table(spec: str, numbered: bool = False) -> Table:
    """`spec` is a file, or `FILE.zip:MEMBER`; the format is told by the content. Raises `DataError`."""
    name, content = read_data_file(spec)
    if content.startswith(PARQUET):
        return parquet_table(name, content)
    text, notes = decode_text(name, content)
    start = text[:64].lstrip()
    if start.startswith("{"):
        return json_lines_table(name, text, notes)
    if start.startswith("[") and start[1:].lstrip()[:1] in ("{", "]"):
        return json_array_table(name, text, notes)
    return delimited_table(name, text, numbered, notes)
