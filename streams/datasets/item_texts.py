"""The descriptions of items, and the profiles of users."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from model.surrogates import made_whole
from streams.datasets.columns.cell_rules import AUTO, CellRules
from streams.datasets.columns.cells import LIST_MAX, SHORT_MAX, TEXT_MAX, as_text, shown
from streams.datasets.columns.id_columns import Ids, nothing_note, read_ids, text_notes
from streams.datasets.columns.ids import id_flaw
from streams.datasets.columns.joined_cells import joined
from streams.datasets.columns.name_lists import as_names, in_brackets, separator_of
from streams.datasets.columns.prices import read_prices
from streams.datasets.columns.vectors import NO_VECTOR, UnreadableVectors, Vector
from streams.datasets.mapping import ColumnMap, described, resolve
from streams.datasets.tables.bad_rows import BadRows
from streams.datasets.tables.table import Table
from streams.state.item_text import of_item

PROFILE_MAX = 32


class ItemText(NamedTuple):
    """One item, within the bounds of an item event."""

    title: str = ""
    text: str = ""
    categories: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    price: float | None = None
    image_vector: Vector = NO_VECTOR
    audio_vector: Vector = NO_VECTOR

    @property
    def joined(self) -> str:
        """The text that the encoder reads."""
        return of_item(self.title, self.categories, self.tags, self.text)


class ReadItems(NamedTuple):
    items: dict[str, ItemText]
    notes: tuple[str, ...]


class ReadUsers(NamedTuple):
    users: dict[str, dict[str, str]]
    notes: tuple[str, ...]


def read_items(table: Table, mapping: ColumnMap, bad: BadRows, reading: CellRules = AUTO) -> ReadItems:
    """Items by id; if several rows describe an item, the last one holds."""
    columns = mapping.columns("items", table)
    wanted = list(dict.fromkeys(column for found in columns.values() for column in found))
    lines, cells = _gathered(table, wanted, bad)
    ids = read_ids("item", _joined("item", columns["item"], cells, reading), reading)
    good, notes = _good_rows("item", table, lines, ids, bad)
    prices: list[float | None] = [None] * len(lines)
    if "price" in columns:
        prices, reader_notes = read_prices(_joined("price", columns["price"], cells, reading), reading)
        notes += reader_notes
    for field in ("title", "text"):
        for column in columns.get(field, ()):
            notes += text_notes(cells[column], field, reading)
    named: dict[str, list[tuple[str, ...]]] = {}
    for field in ("categories", "tags"):
        named[field], reader_notes = _names(field, table, columns.get(field, ()), cells, len(lines), reading)
        notes += reader_notes
    items: dict[str, ItemText] = {}
    unreadable = UnreadableVectors()

    def vector(field: str, row: int) -> Vector:
        return unreadable.read(field, [cells[column][row] for column in columns.get(field, ())])

    twice = 0
    for row in good:
        twice += ids.ids[row] in items
        items[ids.ids[row]] = ItemText(
            title=_text(columns.get("title", ()), cells, row, " ", reading)[:SHORT_MAX],
            text=_text(columns.get("text", ()), cells, row, "\n\n", reading)[:TEXT_MAX],
            categories=named["categories"][row],
            tags=named["tags"][row],
            price=prices[row],
            image_vector=vector("image_vector", row),
            audio_vector=vector("audio_vector", row),
        )
    notes += tuple(unreadable.notes())
    if twice:
        notes += (f"{twice} rows describe an item again; the last one holds",)
    first = f"{table.name}: {described(columns)}"
    return ReadItems(items, (*table.notes, first, *(f"{table.name}: {note}" for note in notes)))


def read_users(table: Table, mapping: ColumnMap, bad: BadRows, reading: CellRules = AUTO) -> ReadUsers:
    """Profiles by user: the fields that `--map users.FIELD=COLUMN` names, else every other column."""
    columns = mapping.columns("users", table)["user"]
    asked = mapping.profile_fields()
    named = {name: column for name, column in asked.items() if column}
    fields = named or {name: name for name in table.columns if name not in columns and name not in asked}
    fields = dict(list(fields.items())[:PROFILE_MAX])
    found = {name: resolve(column, table) for name, column in fields.items()}
    absent = [fields[name] for name, each in found.items() if not each]
    if absent:
        mapping.refuse("users", absent[0], table)
    wanted = list(dict.fromkeys([*columns, *(column for each in found.values() for column in each)]))
    lines, cells = _gathered(table, wanted, bad)
    ids = read_ids("user", _joined("user", columns, cells, reading), reading)
    good, notes = _good_rows("user", table, lines, ids, bad)
    users: dict[str, dict[str, str]] = {}
    for row in good:
        profile = {
            made_whole(name)[:SHORT_MAX]: _text(each, cells, row, " ", reading)[:SHORT_MAX]
            for name, each in found.items()
        }
        users[ids.ids[row]] = {name: value for name, value in profile.items() if value}
    profile_notes = [
        note
        for each in found.values()
        for column in each
        for note in text_notes(cells[column], column, reading)
    ]
    first = f"user={'+'.join(columns)}, profile {', '.join(fields) or 'empty'}"
    every = (first, *notes, *profile_notes)
    return ReadUsers(users, (*table.notes, *(f"{table.name}: {note}" for note in every)))


def _gathered(table: Table, wanted: Sequence[str], bad: BadRows) -> tuple[list[int], dict[str, list[Any]]]:
    """The lines at which the rows begin, and the cells of each column."""
    read = list(table.rows(wanted, bad))
    return [row.line for row in read], {
        column: [row.cells[place] for row in read] for place, column in enumerate(wanted)
    }


def _joined(field: str, columns: Sequence[str], cells: dict[str, list[Any]], reading: CellRules) -> list[Any]:
    return [
        joined(field, parts, reading) for parts in zip(*(cells[column] for column in columns), strict=True)
    ]


def _good_rows(
    field: str, table: Table, lines: list[int], ids: Ids, bad: BadRows
) -> tuple[list[int], tuple[str, ...]]:
    """The rows that have an id; the other rows are bad."""
    good = []
    for row, name in enumerate(ids.ids):
        if flaw := id_flaw(field, name):
            bad.add(table.name, lines[row], flaw, lacking=not name)
        else:
            good.append(row)
    bad.refuse_if_most(table.name, len(good))
    return good, tuple(filter(None, (nothing_note(field, ids.spelled, len(lines)), *ids.notes)))


def _names(
    field: str,
    table: Table,
    columns: Sequence[str],
    cells: dict[str, list[Any]],
    rows: int,
    reading: CellRules,
) -> tuple[list[tuple[str, ...]], tuple[str, ...]]:
    """The names of each row, from all columns of a field; each column has its own separator."""
    found: list[tuple[str, ...]] = [()] * rows
    notes = []
    for column in columns:
        typed = table.types.get(column) == "token_seq"
        separator = reading.separator or (" " if typed else separator_of(cells[column]))
        unread = []
        for row, cell in enumerate(cells[column]):
            names = as_names(cell, separator, reading.missing)
            if names is None:
                unread.append(cell)
            else:
                found[row] = tuple(dict.fromkeys((*found[row], *names)))[:LIST_MAX]
        parted = any(isinstance(c, str) and separator in c and not in_brackets(c) for c in cells[column])
        if parted and not typed:
            notes.append(f"{field}: names in {column} are parted at {separator!r} (--name-separator sets it)")
        if unread:
            notes.append(f"{field}: {len(unread)} lists can't be read, such as {shown(unread[0])}: left out")
    return found, tuple(notes)


def _text(
    columns: Sequence[str], cells: dict[str, list[Any]], row: int, between: str, reading: CellRules
) -> str:
    parts = (as_text(cells[column][row], missing=reading.missing) for column in columns)
    return between.join(filter(None, parts))
