"""Tables in JSON, in all their forms: lines, one array, objects over many lines, one object."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from model.errors import DataError
from streams.datasets.files.text import flaw_in
from streams.datasets.tables.bad_rows import BadRows
from streams.datasets.tables.column_names import is_known
from streams.datasets.tables.json_document import rows_in
from streams.datasets.tables.json_text import JsonParser, ObjectText, has_key_twice, pieces
from streams.datasets.tables.json_values import cell_of, columns_of
from streams.datasets.tables.table import Notes, Row, Table

# The reader collects columns from this many first rows: an object may leave out a field.
COLUMN_ROWS = 1000


def begins_as_json(text: str) -> bool:
    """Whether a file's text begins like JSON, or like Python's notation of it."""
    start = text[:256].lstrip("\ufeff\x1e \t\r\n")
    if start.startswith("{"):
        return True
    inner = start[1:].lstrip()[:1]
    if not start.startswith("[") or not inner:
        return start == "["
    return inner in "{[]" or isinstance(JsonParser().read(text.split("\n", 1)[0]), list)


def json_table(name: str, text: str, numbered: bool = False, notes: Iterable[str] = ()) -> Table:
    """A table of JSON text; `numbered`: if rows are arrays, their columns have numbers."""
    noted = Notes(name, notes)
    if text.lstrip("\ufeff\x1e \t\r\n").startswith("["):
        return _array_table(name, text, numbered, noted)
    lines = _lines(text)
    sample = [line for _, line in zip(range(COLUMN_ROWS), filter(str.strip, lines), strict=False)]
    parser = JsonParser()
    heads = [line for line in sample if line.lstrip("\x1e \t").startswith("{")]
    objects = [value for value in map(parser.read, heads) if isinstance(value, dict)]
    in_lines = bool(objects) and 2 * len(objects) >= len(heads)
    found = _line_pieces(lines) if in_lines else list(pieces(lines))
    if len(found) == 1 and isinstance(whole := parser.read(found[0].text), dict):
        inner = rows_in(whole)
        if inner is not None:
            noted.put("layout", inner.note)
            return _table_of(name, inner.rows, inner.header, numbered, noted)
    if not in_lines:
        objects = [
            each
            for each in (parser.read(part.text) for part in found[:COLUMN_ROWS])
            if isinstance(each, dict)
        ]
    if not objects:
        raise DataError(f"{name} looks like JSON lines, but none of its first lines is an object")
    kind = "lines" if in_lines else "objects over many lines"
    noted.put("layout", f"{'Python notation' if parser.python else 'JSON'}, {kind}")
    if twice := sum(has_key_twice(part.text) for part in found[:COLUMN_ROWS]):
        noted.put(
            "twice",
            f"{twice} of the first {len(found[:COLUMN_ROWS])} objects have a key twice; the last one holds",
        )
    return Table(name, columns_of(objects), _reader(name, found, noted), notes=noted)


def _lines(text: str) -> list[str]:
    return text.split("\n") if "\n" in text else text.split("\r")


def _line_pieces(lines: Sequence[str]) -> list[ObjectText]:
    return [ObjectText(number, line) for number, line in enumerate(lines, 1) if line.strip(" \t\r\n\x1a")]


def _reader(
    name: str, found: Sequence[ObjectText], notes: Notes
) -> Callable[[Sequence[str], BadRows], Iterator[Row]]:
    def rows(wanted: Sequence[str], bad: BadRows) -> Iterator[Row]:
        parser, take = JsonParser(), _taker(wanted)
        for line, text, broken in found:
            flaw = broken or flaw_in(text)
            value = None if flaw else parser.read(text)
            if isinstance(value, dict):
                yield Row(line, take(value))
            else:
                bad.add(name, line, flaw or "is not a JSON object")
        _say_halves(notes, parser)

    return rows


def _say_halves(notes: Notes, parser: JsonParser) -> None:
    text = f"{parser.halves} texts hold half of a character (a lone surrogate), which became U+FFFD"
    notes.put("halves", text if parser.halves else "")


def _taker(wanted: Sequence[str]) -> Callable[[Mapping[str, Any]], list[Any]]:
    """A function that takes the wanted cells out of an object."""
    if any("." in column for column in wanted):
        return lambda value: [cell_of(value, column) for column in wanted]
    return lambda value: [value.get(column) for column in wanted]


def _array_table(name: str, text: str, numbered: bool, notes: Notes) -> Table:
    parser = JsonParser()
    values = parser.read(text)
    if isinstance(values, list):
        notes.put("layout", f"one {'list in Python notation' if parser.python else 'JSON array'}")
        _say_halves(notes, parser)
        if has_key_twice(text):
            notes.put("twice", "objects have a key twice; the last one holds")
        return _table_of(name, list(enumerate(values, 1)), None, numbered, notes)
    rows: list[tuple[int, Any]] = []
    for number, line in enumerate(_lines(text), 1):
        value = parser.read(line) if line.strip() else []
        # A line may be one row, or a list of rows: a page of an API.
        several = isinstance(value, list) and value and isinstance(value[0], dict)
        rows += [(number, each) for each in (value if several else [value] if line.strip() else [])]
    if not rows or not isinstance(rows[0][1], list | dict):
        raise DataError(
            f"{name} begins as a JSON array but can't be read: the array is not closed, or not JSON; "
            f"fetch it again, or write one object a line"
        )
    notes.put("layout", "JSON arrays, one a line")
    _say_halves(notes, parser)
    return _table_of(name, rows, None, numbered, notes)


def _table_of(
    name: str, values: Sequence[tuple[int, Any]], header: Sequence[str] | None, numbered: bool, notes: Notes
) -> Table:
    """A table of parsed values: objects, or arrays of cells."""
    first = next((value for _, value in values if isinstance(value, list | dict)), None)
    if first is None:
        raise DataError(f"{name} is a JSON array, but its first elements are no objects")
    if isinstance(first, dict):
        objects = [value for _, value in values[:COLUMN_ROWS] if isinstance(value, dict)]
        return Table(name, columns_of(objects), _rows_of_objects(name, values), notes=notes)
    if header is None and all(isinstance(cell, str) for cell in first) and sum(map(is_known, first)) > 1:
        header, values = first, values[1:]
    numbers = tuple(str(k + 1) for k in range(len(first)))
    columns = numbers if numbered or header is None else tuple(header)
    return Table(
        name, columns, _rows_of_arrays(name, values, columns), numbered=columns == numbers, notes=notes
    )


def _rows_of_objects(
    name: str, values: Sequence[tuple[int, Any]]
) -> Callable[[Sequence[str], BadRows], Iterator[Row]]:
    def rows(wanted: Sequence[str], bad: BadRows) -> Iterator[Row]:
        take = _taker(wanted)
        for number, value in values:
            if isinstance(value, dict):
                yield Row(number, take(value))
            else:
                bad.add(name, number, "is not a JSON object")

    return rows


def _rows_of_arrays(
    name: str, values: Sequence[tuple[int, Any]], columns: Sequence[str]
) -> Callable[[Sequence[str], BadRows], Iterator[Row]]:
    def rows(wanted: Sequence[str], bad: BadRows) -> Iterator[Row]:
        places = [columns.index(column) for column in wanted]
        for number, value in values:
            if isinstance(value, list) and len(value) == len(columns):
                yield Row(number, [value[place] for place in places])
            else:
                found = f"{len(value)} values" if isinstance(value, list) else "no array"
                bad.add(name, number, f"has {found}, expected an array of {len(columns)}")

    return rows
