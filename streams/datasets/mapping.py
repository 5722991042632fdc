"""`--map`: which column of which file holds which field; common names tell the fields that it leaves open.

    --map user=userId,item=movieId,ts=timestamp,rating=rating
    --map user=1,item=2,rating=3,ts=4,items.item=1,items.title=2      (files without a header: numbers)
    --map ts=date+time,user=visitor+day,items.text=overview+tagline   (several columns as one)
    --map rating=                                                     (no ratings, whatever columns there are)
    --map user=2,ts=3,impressions=5                                   (slates that were shown)
    --map impressions=hotels,shown.price=prices                       (a number for each shown item)

A bare name applies to every file that has such a column; `interactions.`, `items.` or `users.` before the
field picks one file. A bare number means the items file for title, categories, tags, price, image_vector
and audio_vector, else the interactions file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NoReturn

from model.errors import DataError
from streams.datasets.columns.written_times import written
from streams.datasets.tables.column_names import INTERACTION_FIELDS, ITEM_FIELDS, USER_FIELDS, guess
from streams.datasets.tables.row_shape import is_figure
from streams.datasets.tables.table import Table

FIELDS: dict[str, tuple[str, ...]] = {
    "interactions": INTERACTION_FIELDS,
    "items": ITEM_FIELDS,
    "users": USER_FIELDS,
}
SHOWN = "shown"
"""Before the names of what is told of each place of a slate; any name may follow."""
REQUIRED = {"interactions": ("user", "item", "ts"), "items": ("item",), "users": ("user",)}
_ITEMS_FIRST = frozenset({"title", "categories", "tags", "price", "image_vector", "audio_vector"})

Columns = dict[str, tuple[str, ...]]


@dataclass
class ColumnMap:
    """A parsed `--map`: `bare[field]` and `placed[kind][field]` name columns; `used`: bare fields found."""

    bare: Mapping[str, str] = field(default_factory=dict)
    placed: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    def numbered(self, kind: str) -> bool:
        """Whether the map names this kind of file's columns by number."""
        return any(_is_numbers(column) for column in self.asked(kind).values())

    def columns(self, kind: str, table: Table) -> Columns:
        """The columns of each field that `table` has; raises `DataError` if a needed one is missing."""
        found: Columns = {}
        asked = self.asked(kind)
        for name in FIELDS[kind]:
            if asked.get(name) == "":
                continue
            if name in asked:
                columns = resolve(asked[name], table)
                if columns:
                    self.used.add(name)
                    found[name] = columns
                    continue
                if name in self.placed.get(kind, {}) or (kind == "interactions" and name in REQUIRED[kind]):
                    raise DataError(_missing(kind, name, asked[name], table))
            guessed = () if table.numbered else guess(kind, name, table.columns)
            taken = {column for columns in found.values() for column in columns}
            if left := tuple(column for column in guessed if column not in taken):
                found[name] = left
        if kind == "interactions":
            for name, column in self.placed.get(SHOWN, {}).items():
                if not (columns := resolve(column, table)):
                    raise DataError(_missing(kind, f"{SHOWN}.{name}", column, table))
                found[f"{SHOWN}.{name}"] = columns
        if table.numbered and REQUIRED[kind][0] not in found:
            found[REQUIRED[kind][0]] = ("1",)
        for name in REQUIRED[kind]:
            if name not in found and not (name == "item" and "impressions" in found):
                raise DataError(_missing(kind, name, None, table))
        return found

    def profile_fields(self) -> dict[str, str]:
        """Fields and columns that `users.FIELD=COLUMN` names, without the id; "" leaves a field out."""
        return {name: column for name, column in self.placed.get("users", {}).items() if name != "user"}

    def refuse(self, kind: str, column: str, table: Table) -> NoReturn:
        """Raise `DataError` for a column that `--map` names and `table` does not have."""
        raise DataError(_missing(kind, "a field", column, table))

    def check_used(self) -> None:
        """Raise `DataError` for a bare field for which no file has a column."""
        for name, column in self.bare.items():
            if column and name not in self.used:
                raise DataError(f"--map {name}={column}: none of the files has a column {column!r} for it")

    def asked(self, kind: str) -> dict[str, str]:
        """The column that `--map` names for each field of this kind of file; "" leaves a field out."""
        fields = {}
        for name, column in self.bare.items():
            if name not in FIELDS[kind]:
                continue
            if not column and kind != "interactions" and name in REQUIRED[kind]:
                continue  # interactions with slates may leave the item out by `item=`
            if _is_numbers(column) and kind != ("items" if name in _ITEMS_FIRST else "interactions"):
                continue
            fields[name] = column
        return {**fields, **self.placed.get(kind, {})}


def parse_map(text: str) -> ColumnMap:
    """Read `--map`; raises `DataError`.

    >>> parse_map("user=userId,items.title=name").placed
    {'items': {'title': 'name'}}
    """
    bare: dict[str, str] = {}
    placed: dict[str, dict[str, str]] = {}
    known = sorted({name for names in FIELDS.values() for name in names})
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, column = (piece.strip() for piece in part.partition("="))
        kind, dot, inner = name.partition(".")
        if not equals or not name:
            raise DataError(f"--map {part!r}: expected FIELD=COLUMN, as in user=userId")
        known_here = kind in FIELDS and (inner in FIELDS[kind] or (kind == "users" and inner))
        if dot and (known_here or (kind == SHOWN and inner and column)):
            placed.setdefault(kind, {})[inner] = column
        elif not dot and name in known:
            bare[name] = column
        else:
            raise DataError(
                f"--map {part!r}: unknown field {name!r}; expected one of {', '.join(known)}, "
                f"alone or after interactions., items. or users.; or shown.NAME for a number of each item"
            )
    mapping = ColumnMap(bare, placed)
    for kind, needed in REQUIRED.items():
        for name in needed:
            if mapping.asked(kind).get(name) == "" and not mapping.asked(kind).get("impressions"):
                raise DataError(f"--map {name}=: every row of the {kind} needs one; name its column")
    return mapping


def described(columns: Columns) -> str:
    """The mapping in words: `user=userId, item=movieId`."""
    return ", ".join(f"{name}={'+'.join(found)}" for name, found in columns.items())


def resolve(asked: str, table: Table) -> tuple[str, ...]:
    """The table's columns for `a` or `a+b`, with or without RecBole's `:type`; () if one is missing."""
    found = []
    for column in [asked] if asked in table.columns else asked.split("+"):
        bare = column.rpartition(":")[0]
        if column in table.columns:
            found.append(column)
        elif bare in table.columns and table.types.get(bare) == column.rpartition(":")[2]:
            found.append(bare)
        else:
            return ()
    return tuple(found)


def _is_numbers(column: str) -> bool:
    return all(part.isdecimal() for part in column.split("+"))


def _is_cell(column: str) -> bool:
    """Whether a column's name is a number or a time: then the first line is not a header."""
    return is_figure(column) or written(column) is not None


def _missing(kind: str, name: str, asked: str | None, table: Table) -> str:
    has = ", ".join(table.columns[:40])
    if asked is not None:
        return f"{table.name}: no column {asked!r} for {name} ({kind}); it has: {has}"
    hint = f"--map {kind + '.' if kind != 'interactions' else ''}{name}=COLUMN"
    text = f"{table.name}: no column found for {name} ({kind}); it has: {has}. Name it with {hint}"
    if not table.numbered and any(map(_is_cell, table.columns)):
        text += "; if the file has no header line, by its number, as in --map user=1,item=2,rating=3,ts=4"
    if name == "ts" and not table.hint:
        text += "; rows without times can't be replayed: nothing says in which order things happened"
    if table.hint:
        text += f". {table.hint[0].upper()}{table.hint[1:]}"
    return text
