"""Several parts as one table: the columns of all, and their rows one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from streams.datasets.files.files import Source
from streams.datasets.files.parts import constants_of
from streams.datasets.tables.bad_rows import BadRow, BadRows
from streams.datasets.tables.table import Notes, Row, Table

LISTED = 5


class JoinedNotes(Notes):
    """The notes of all parts; a note that several parts share comes once."""

    def __init__(self, name: str, parts: Sequence[Table], noted: Sequence[str]) -> None:
        super().__init__(name, noted)
        self.parts = parts

    def __iter__(self) -> Iterator[str]:
        yield from super().__iter__()
        alike: dict[str, list[str]] = {}
        for part in self.parts:
            for note in part.notes:
                alike.setdefault(note.removeprefix(f"{part.name}: "), []).append(part.name)
        for text, names in alike.items():
            every = len(names) == len(self.parts)
            shown = ", ".join(names[:LISTED]) + (
                f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
            )
            yield f"{self.name}: {text}" if every else f"{self.name}: {text} ({shown})"


def joined(source: Source, tables: Sequence[Table]) -> Table:
    """One table of all parts. Row and line numbers go through all parts, in the order of their names."""
    constants = [constants_of(file) for file in source.parts]
    columns = dict.fromkeys(column for table in tables for column in table.columns)
    columns.update(dict.fromkeys(name for each in constants for name in each))
    names = source.parts
    shown = ", ".join(names[:LISTED]) + (f" and {len(names) - LISTED} more" if len(names) > LISTED else "")
    noted = [f"{len(names)} parts, their lines counted through: {shown}"]

    def rows(wanted: Sequence[str], bad: BadRows) -> Iterator[Row]:
        before = 0
        for table, fixed in zip(tables, constants, strict=True):
            own = [column for column in wanted if column in table.columns]
            places = {column: place for place, column in enumerate(own)}
            mine, last = BadRows(), 0
            for line, cells in table.rows(own or table.columns[:1], mine):
                last = line
                yield Row(before + line, [_cell(column, cells, places, fixed) for column in wanted])
            bad.rows.extend(
                BadRow(source.name, before + row.line, f"{row.reason} ({row.file}:{row.line})")
                for row in mine.rows
            )
            before += max([last, *(row.line for row in mine.rows)])

    notes = JoinedNotes(source.name, tables, noted)
    types = {name: kind for table in tables for name, kind in table.types.items()}
    hint = next((table.hint for table in tables if table.hint), "")
    return Table(source.name, tuple(columns), rows, types, tables[0].numbered, notes, hint)


def _cell(column: str, cells: Sequence[Any], places: dict[str, int], fixed: dict[str, str]) -> Any:
    if column in places:
        return cells[places[column]]
    return fixed.get(column)
