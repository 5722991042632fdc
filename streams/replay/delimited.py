"""Delimited text: the delimiter and the use of quotes are found out, rows keep their line numbers."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from model.errors import DataError
from streams.replay.bad_rows import BadRows
from streams.replay.column_names import is_known
from streams.replay.table import Row, Table
from streams.replay.text import flaw_in

DELIMITERS = ("\t", ",", ";", "|", "::")
SAMPLE_LINES = 200
FIELD_LIMIT = 1 << 20
_TYPED = re.compile(r"(.+):(token|token_seq|float|float_seq)$")
_NAMES = {"\t": "tab"}
# Commas and semicolons come with quotes, :: without; with tabs and bars the text itself tells.
_QUOTES = {",": (True,), ";": (True,), "::": (False,)}


class Dialect(NamedTuple):
    """How fields are told apart; `quotes`: whether "..." may hold delimiters and line ends."""

    delimiter: str
    quotes: bool


class Record(NamedTuple):
    """One row of text: its fields, or why it can't be read."""

    line: int
    fields: list[str]
    flaw: str | None = None


def delimited_table(name: str, text: str, numbered: bool, notes: tuple[str, ...] = ()) -> Table:
    """A table of delimited text.

    `numbered`: the caller names columns by number. Then the first line is data unless it names a column that
    is known; without it, the first line is the header.
    """
    line_end = "\n" if "\n" in text else ""  # "" also splits at a lone \r, as old Macs wrote it
    lines = list(io.StringIO(text, newline=line_end))
    dialect = _sniff(name, lines)
    first = next(_records(lines, dialect, None))
    header = [field.strip() for field in first.fields]
    typed = [_TYPED.match(column) for column in header]
    columns = [match[1] if match else column for match, column in zip(typed, header, strict=True)]
    types = {match[1]: match[2] for match in typed if match}
    skip_header = not numbered or bool(types) or any(is_known(column) for column in columns)
    names = tuple(str(i + 1) for i in range(len(columns))) if numbered else tuple(columns)
    if skip_header and next(_records(lines[first.line :], dialect, None), None) is None:
        raise DataError(f"{name} has a header line but no rows")

    def rows(wanted: Sequence[str], bad: BadRows) -> Iterator[Row]:
        places = [names.index(column) for column in wanted]
        for record in _records(lines, dialect, len(names)):
            if skip_header and record.line == first.line:
                continue
            if record.flaw:
                bad.add(name, record.line, record.flaw)
            else:
                yield Row(record.line, [record.fields[place] for place in places])

    if numbered and skip_header:
        notes += (f"{name}: the first line is a header, left out",)
    return Table(name, names, rows, {} if numbered else types, numbered, notes)


def _sniff(name: str, lines: list[str]) -> Dialect:
    """The dialect in which most of the first rows are as wide as the very first; more columns win a tie."""
    sample = lines[:SAMPLE_LINES]
    best, best_score = None, (0.0, 0, False)
    for delimiter in DELIMITERS:
        for quotes in _QUOTES.get(delimiter, (False, True)):
            dialect = Dialect(delimiter, quotes)
            first = next(_records(sample, dialect, None), None)
            if first is None or len(first.fields) < 2:
                continue
            width = len(first.fields)
            fits = [record.flaw is None for record in _records(sample, dialect, width)]
            score = (sum(fits) / len(fits), width, quotes and _quotes_close(sample, delimiter))
            if score > best_score:
                best, best_score = dialect, score
    if best is None:
        known = ", ".join(_NAMES.get(delimiter, delimiter) for delimiter in DELIMITERS)
        raise DataError(
            f"{name}: no columns found; expected JSON, Parquet, or fields split by one of: {known}"
        )
    return best


def _quotes_close(lines: list[str], delimiter: str) -> bool:
    """Whether every field that begins with a quote also ends with one, and there are such fields."""
    fields = [field for line in lines for field in line.strip("\r\n").split(delimiter)]
    quoted = [field for field in fields if field.startswith('"')]
    return bool(quoted) and all(len(field) > 1 and field.endswith('"') for field in quoted)


def _records(lines: list[str], dialect: Dialect, width: int | None) -> Iterator[Record]:
    """The rows of `lines`; blank lines are passed over. With a `width`, other widths are flaws."""
    records = _quoted(lines, dialect.delimiter, width) if dialect.quotes else _plain(lines, dialect.delimiter)
    for record in records:
        if len(record.fields) <= 1 and not "".join(record.fields).strip() and not record.flaw:
            continue
        if width is None or record.flaw:
            yield record
            continue
        fields = _trim(record.fields, width)
        flaw = None if len(fields) == width else f"has {len(fields)} fields, expected {width}"
        yield Record(record.line, fields, flaw or next(filter(None, map(flaw_in, fields)), None))


def _plain(lines: list[str], delimiter: str) -> Iterator[Record]:
    for number, line in enumerate(lines, 1):
        yield Record(number, line.rstrip("\r\n").split(delimiter))


def _quoted(lines: list[str], delimiter: str, width: int | None) -> Iterator[Record]:
    """CSV rows. A quote that never closes must not swallow the rows after it.

    So where a row of several lines has the wrong width and one of its later lines would be a row of the
    right width by itself, only its first line is bad and reading goes on with the next line.
    """
    csv.field_size_limit(FIELD_LIMIT)
    start = 0
    while start < len(lines):
        reader = csv.reader((lines[i] for i in range(start, len(lines))), delimiter=delimiter)
        base = start
        while True:
            begin = base + reader.line_num
            try:
                fields, flaw = next(reader), None
            except StopIteration:
                return
            except csv.Error as error:
                fields, flaw = [], f"can't be read as CSV: {error}"
            end = base + reader.line_num
            broken = width is not None and end - begin > 1 and len(_trim(fields, width)) != width
            if broken and _holds_a_row(lines[begin + 1 : end], delimiter, width):
                yield Record(begin + 1, [], 'opens a quote (") that is not closed')
                start = begin + 1
                break
            yield Record(begin + 1, fields, flaw)


def _holds_a_row(lines: list[str], delimiter: str, width: int | None) -> bool:
    for line in lines:
        try:
            fields = next(csv.reader([line], delimiter=delimiter), [])
        except csv.Error:
            continue
        if len(_trim(fields, width)) == width:
            return True
    return False


def _trim(fields: list[str], width: int | None) -> list[str]:
    """Without empty fields past the width: some writers end each line with a delimiter."""
    if width is not None and len(fields) > width and not any(fields[width:]):
        return fields[:width]
    return fields
