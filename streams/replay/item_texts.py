"""What is known of the items and of the users, besides what they did."""

from __future__ import annotations

from typing import NamedTuple

from streams.replay.bad_rows import BadRows
from streams.replay.cells import LIST_MAX, SHORT_MAX, TEXT_MAX, as_id, as_names, as_text, id_flaw, is_absent
from streams.replay.mapping import ColumnMap, Columns, described
from streams.replay.table import Table
from streams.replay.times import as_numbers
from streams.replay.vectors import NO_VECTOR, Unreadable, Vector
from streams.texts import of_item

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
        """What the encoder reads of it."""
        return of_item(self.title, self.categories, self.tags, self.text)


class ReadItems(NamedTuple):
    items: dict[str, ItemText]
    notes: tuple[str, ...]


class ReadUsers(NamedTuple):
    users: dict[str, dict[str, str]]
    notes: tuple[str, ...]


def read_items(table: Table, mapping: ColumnMap, bad: BadRows) -> ReadItems:
    """Items by id; of an item described twice the last row holds."""
    columns = mapping.columns("items", table)
    wanted = [column for found in columns.values() for column in found]
    items: dict[str, ItemText] = {}
    unreadable = Unreadable()
    twice = 0
    good = 0
    for line, cells in table.rows(wanted, bad):
        by_column = dict(zip(wanted, cells, strict=True))
        item_id = as_id(by_column[columns["item"][0]])
        if flaw := id_flaw("item", item_id):
            bad.add(table.name, line, flaw)
            continue
        good += 1
        twice += item_id in items
        items[item_id] = _item(by_column, columns, table.types, unreadable)
    bad.refuse_if_most(table.name, good)
    notes = [*table.notes, f"{table.name}: {described(columns)}"]
    notes += [f"{table.name}: {note}" for note in unreadable.notes()]
    if twice:
        notes.append(f"{table.name}: {twice} rows describe an item again; the last one holds")
    return ReadItems(items, tuple(notes))


def read_users(table: Table, mapping: ColumnMap, bad: BadRows) -> ReadUsers:
    """Profiles by user: the fields that `--map users.FIELD=COLUMN` names, else every other column."""
    columns = mapping.columns("users", table)
    user_column = columns["user"][0]
    fields = mapping.profile_fields() or {column: column for column in table.columns if column != user_column}
    fields = dict(list(fields.items())[:PROFILE_MAX])
    absent = [column for column in fields.values() if column not in table.columns]
    if absent:
        mapping.refuse("users", absent[0], table)
    users: dict[str, dict[str, str]] = {}
    good = 0
    for line, (cell, *values) in table.rows([user_column, *fields.values()], bad):
        user_id = as_id(cell)
        if flaw := id_flaw("user", user_id):
            bad.add(table.name, line, flaw)
            continue
        good += 1
        users[user_id] = {
            name[:SHORT_MAX]: as_text(value, SHORT_MAX)
            for name, value in zip(fields, values, strict=True)
            if not is_absent(value)
        }
    bad.refuse_if_most(table.name, good)
    note = f"{table.name}: user={user_column}, profile {', '.join(fields) or 'empty'}"
    return ReadUsers(users, (*table.notes, note))


def _item(
    cells: dict[str, object], columns: Columns, types: dict[str, str], unreadable: Unreadable
) -> ItemText:
    def names(field: str) -> tuple[str, ...]:
        found = [
            name
            for column in columns.get(field, ())
            for name in as_names(cells[column], " " if types.get(column) == "token_seq" else None)
        ]
        return tuple(dict.fromkeys(found))[:LIST_MAX]

    def joined(field: str, between: str) -> str:
        return between.join(filter(None, (as_text(cells[column]) for column in columns.get(field, ()))))

    def vector(field: str) -> Vector:
        return unreadable.read(field, cells[columns[field][0]]) if field in columns else NO_VECTOR

    price = -1.0
    if "price" in columns:
        price = float(as_numbers([str(cells[columns["price"][0]]).lstrip("$ ")])[0])
    return ItemText(
        title=joined("title", " ")[:SHORT_MAX],
        text=joined("text", "\n\n")[:TEXT_MAX],
        categories=names("categories"),
        tags=names("tags"),
        price=price if 0 <= price < 1e12 else None,
        image_vector=vector("image_vector"),
        audio_vector=vector("audio_vector"),
    )
