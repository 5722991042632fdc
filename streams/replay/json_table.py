"""JSON lines (one object a line), or one JSON array of objects."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from model.errors import DataError
from streams.replay.bad_rows import BadRows
from streams.replay.table import Row, Table
from streams.replay.text import flaw_in

# Columns are looked for in this many first rows: an object may leave out what it does not have.
COLUMN_ROWS = 1000


def json_lines_table(name: str, text: str, notes: tuple[str, ...] = ()) -> Table:
    """A table of JSON lines; also of lines in Python's notation (single quotes), as old Amazon dumps have."""
    lines = text.split("\n")
    columns: dict[str, None] = {}
    for _, value in zip(range(COLUMN_ROWS), filter(None, map(str.strip, lines)), strict=False):
        parsed = _parse(value)
        if isinstance(parsed, dict):
            columns.update(dict.fromkeys(parsed))
    if not columns:
        raise DataError(f"{name} looks like JSON lines, but none of its first lines is an object")

    def rows(wanted: Sequence[str], bad: BadRows) -> Iterator[Row]:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            flaw = flaw_in(line)
            value = None if flaw else _parse(line)
            if isinstance(value, dict):
                yield Row(number, [value.get(column) for column in wanted])
            else:
                bad.add(name, number, flaw or "is not a JSON object")

    return Table(name, tuple(columns), rows, notes=notes)


def json_array_table(name: str, text: str, notes: tuple[str, ...] = ()) -> Table:
    """A table of one JSON array; rows are numbered from 1."""
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{name} begins as a JSON array but can't be read: {error}") from None
    columns: dict[str, None] = {}
    for value in values[:COLUMN_ROWS]:
        if isinstance(value, dict):
            columns.update(dict.fromkeys(value))
    if not columns:
        raise DataError(f"{name} is a JSON array, but its first elements are no objects")

    def rows(wanted: Sequence[str], bad: BadRows) -> Iterator[Row]:
        for number, value in enumerate(values, 1):
            if isinstance(value, dict):
                yield Row(number, [value.get(column) for column in wanted])
            else:
                bad.add(name, number, "is not a JSON object")

    return Table(name, tuple(columns), rows, notes=notes)


def _parse(line: str) -> Any:
    """The value of one line, or None. `json` knows NaN, which the faster msgspec refuses."""
    try:
        return msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        pass
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        pass
    try:
        return ast.literal_eval(line.strip()) if line.lstrip().startswith("{'") else None
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
