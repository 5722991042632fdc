"""Delimited text as a table: rows keep their line numbers."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from model.errors import NoRowsError
from streams.datasets.columns.cells import is_absent
from streams.datasets.files.reading import AUTO, Reading
from streams.datasets.tables.bad_rows import BadRows
from streams.datasets.tables.column_names import is_known
from streams.datasets.tables.dialect import NAMES, Layout, find_layout
from streams.datasets.tables.edge_list import EdgeList, edge_list, is_konect
from streams.datasets.tables.preamble import Preamble, preamble_of
from streams.datasets.tables.quoting import SPACES
from streams.datasets.tables.records import Records
from streams.datasets.tables.row_shape import RowShape, is_figure
from streams.datasets.tables.table import Notes, Row, Table

_TYPED = re.compile(r"(.+):(token|token_seq|float|float_seq)$")
ROW_NAMES = "(row)"


def delimited_table(
    name: str,
    text: str,
    numbered: bool = False,
    notes: Iterable[str] = (),
    reading: Reading = Reading(),
    columns: Sequence[str] = (),
) -> Table:
    """A table of delimited text.

    `numbered`: the caller names columns by number. Then the first line is data, unless it holds a known
    column name or only this line has words in columns of numbers. Otherwise the first line is the header.
    `columns`: the columns of the table's first part, if this file is a further part; its header may be
    missing.
    """
    lines = list(io.StringIO(text, newline="" if _returns_end_lines(text) else "\n"))
    before = preamble_of(lines, reading)
    if before.separator and reading.separator == AUTO:
        reading = replace(reading, separator=before.separator)
    if is_konect(before.comments) and reading.separator == AUTO:
        reading = replace(reading, separator=SPACES)
    layout = find_layout(name, lines, before.start, reading, before.comment)
    header, types = _names_of(layout)
    edges = edge_list(before.comments, layout.shape.width)
    skip = _is_header(layout, header, bool(types), numbered, edges, columns)
    if columns and not numbered:
        header = header if skip else list(columns)
    elif edges is not None and not skip:
        header = list(edges.columns)
    width = layout.shape.width
    names = tuple(str(k + 1) for k in range(width)) if numbered else _different(header)
    noted = Notes(name, notes)
    opened = [begin + layout.dialect.quote for begin in ("\n", layout.dialect.delimiter)]
    quoted = bool(layout.dialect.quote) and (
        text.startswith(layout.dialect.quote) or any(mark in text for mark in opened)
    )
    noted.put("layout", ", ".join(_described(layout, before, edges, lines, "" if noted else "UTF-8", quoted)))
    if repeated := [column for column, count in Counter(header).items() if count > 1 and not numbered]:
        noted.put("repeated", f"more than one column is called {repeated[0]!r}: the others got a number")
    if numbered and skip:
        noted.put("header", "the first line is a header, left out")
    begin = layout.start + (layout.span if skip else 0)
    records = Records(
        lines,
        layout.dialect,
        layout.shape,
        before.comment,
        before.likely,
        lines[layout.start] if skip else "",
    )
    if skip and next(records.read(begin), None) is None:
        raise NoRowsError(f"{name} has a header line but no rows")

    def rows(wanted: Sequence[str], bad: BadRows) -> Iterator[Row]:
        places = [names.index(column) for column in wanted]
        for line, fields, flaw in records.read(begin):
            if flaw:
                bad.add(name, line, flaw)
            else:
                yield Row(line, [fields[place] for place in places])
        _say(noted, records, len(before.comments))

    hint = edges.hint if edges is not None else ""
    return Table(name, names, rows, {} if numbered else types, numbered, noted, hint)


def _returns_end_lines(text: str) -> bool:
    """Whether lines end with a lone carriage return, as old Macs wrote them."""
    lone = text.count("\r") - text.count("\r\n")
    return lone > text.count("\n")


def _names_of(layout: Layout) -> tuple[list[str], dict[str, str]]:
    """The first line as column names, and RecBole's types of them."""
    first = [field.strip() for field in layout.first]
    first[0] = first[0].lstrip("#% ") or first[0]  # the header may look like a comment
    if layout.row_names:
        first = [ROW_NAMES, *first]
    typed = [_TYPED.match(column) for column in first]
    types = {match[1]: match[2] for match in typed if match}
    return [match[1] if match else column for match, column in zip(typed, first, strict=True)], types


def _is_header(
    layout: Layout,
    header: Sequence[str],
    typed: bool,
    numbered: bool,
    edges: EdgeList | None,
    columns: Sequence[str],
) -> bool:
    """Whether the first line names the columns."""
    known = typed or any(is_known(column) for column in header)
    if known or layout.row_names:
        return True
    if columns:
        return list(columns) == list(header)
    if numbered or edges is not None:
        return _stands_out(layout.first, layout.shape)
    return True


def _stands_out(first: Sequence[str], shape: RowShape) -> bool:
    """Whether a line has words in every column in which the rows have numbers."""
    cells = [first[place] for place in shape.figures if place < len(first)]
    return bool(cells) and not any(is_figure(cell) or is_absent(cell) for cell in cells)


def _different(header: Sequence[str]) -> tuple[str, ...]:
    """Column names; a repeated name gets a number.

    >>> _different(["a", "b", "a"])
    ('a', 'b', 'a (2)')
    """
    seen: Counter[str] = Counter()
    names = []
    for column in header:
        seen[column] += 1
        names.append(column if seen[column] == 1 else f"{column} ({seen[column]})")
    return tuple(names)


def _described(
    layout: Layout,
    before: Preamble,
    edges: EdgeList | None,
    lines: Sequence[str],
    encoding: str,
    quoted: bool,
) -> Iterator[str]:
    """How the reader separates the fields, in words."""
    dialect = layout.dialect
    if encoding:
        yield encoding
    yield f"split at {NAMES.get(dialect.delimiter, dialect.delimiter)}" + (
        " as its sep= line says" if before.separator else ""
    )
    if not dialect.quote:
        yield "quotes are plain characters"
    if quoted:
        yield f"fields quoted by {dialect.quote}"
    if dialect.escape:
        yield "a backslash escapes quotes"
    if dialect.trust:
        yield "every quoted field believed"
    if edges is not None:
        yield edges.kind
    if layout.row_names:
        yield (f"rows have one field more than the header: the first is taken as their names, {ROW_NAMES}")
    if titles := sum(bool(line.strip()) for line in lines[before.start : layout.start]):
        yield f"{titles} lines before the header left out"


def _say(notes: Notes, records: Records, before: int) -> None:
    """Put what the reader met in the rows into the notes."""
    count, first = records.tally.count, records.tally.first
    comments = count.get("comments", 0) + before
    where = {topic: f" (the first in line {line})" for topic, line in first.items()}
    notes.put("comments", f"{comments} comment lines left out" if comments else "")
    texts = {
        "headers": "repeated header lines left out",
        "many": "rows have line ends inside quotes; --quotes none reads each line as a row",
        "stray": "rows have quotes that open or close no field, read as plain characters; "
        "--quotes changes how quotes are read",
    }
    for topic, words in texts.items():
        placed = words.replace("rows have", f"rows{where.get(topic, '')} have")
        notes.put(topic, f"{count[topic]} {placed}" if topic in count else "")
