"""Rows of an interactions file: the items of each row, and the flaws that make a row useless."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from model.errors import DataError
from streams.datasets.columns.cell_rules import CellRules
from streams.datasets.columns.cells import is_absent, plain_value, shown
from streams.datasets.columns.id_columns import Ids, flaw_of_cell, members, nothing_note, read_ids
from streams.datasets.columns.id_lists import split_ids
from streams.datasets.columns.ids import id_flaw
from streams.datasets.columns.joined_cells import joined
from streams.datasets.impressions import Slate, from_lists, from_rows, is_answer
from streams.datasets.mapping import Columns
from streams.datasets.shown_fields import NO_FIELDS, PREFIX, read_fields
from streams.datasets.tables.bad_rows import BadRows
from streams.datasets.tables.table import Table

# How many cells the reader looks at to learn what a column holds.
LOOKED_AT = 1_000


class Flaw(NamedTuple):
    """Why the reader leaves a row out; `lacking`: the row has no user or no item, but is readable."""

    reason: str
    lacking: bool = False


class Rows(NamedTuple):
    """The rows of a file: the line where each begins, a cell for each field, and the columns of ratings."""

    line: list[int]
    cells: dict[str, list[Any]]
    ratings: list[list[Any]]


class Events(NamedTuple):
    """The items in the rows: event k is in row `rows[k]`, and is a click on slate `slate_of[k]` ("": none).

    `slates`: None if the file has none; `told`: the names of the numbers that they have for each place.
    `flaws`: rows that the reader can't use.
    """

    rows: list[int]
    items: list[str]
    slate_of: list[str]
    slates: list[Slate] | None
    flaws: dict[int, Flaw]
    notes: tuple[str, ...]
    told: tuple[str, ...] = ()


def gathered(table: Table, columns: Columns, bad: BadRows, reading: CellRules) -> Rows:
    """Read the columns of every field, and join the columns of one field; ratings stay apart."""
    wanted = [column for name in columns for column in columns[name]]
    read = list(table.rows(wanted, bad))
    cells: dict[str, list[Any]] = {}
    ratings: list[list[Any]] = []
    begin = 0
    for name, found in columns.items():
        end = begin + len(found)
        if name == "rating":
            ratings = [[row.cells[place] for row in read] for place in range(begin, end)]
        elif end - begin == 1:
            cells[name] = [row.cells[begin] for row in read]
        else:
            cells[name] = [joined(name, row.cells[begin:end], reading) for row in read]
        begin = end
    for name in ("user", "item", "impressions"):
        _refuse_objects(table.name, name, columns.get(name, ()), cells.get(name, ()))
    return Rows([row.line for row in read], cells, ratings)


def events_of(table: Table, columns: Columns, rows: Rows, reading: CellRules) -> Events:
    """The items of each row: from its item column, or from a slate."""
    cells = rows.cells
    if "impressions" in cells or "clicked" in cells:
        return _of_slates(rows, reading)
    if named := next((name for name in columns if name.startswith(PREFIX)), None):
        raise DataError(
            f"--map {named}={'+'.join(columns[named])}: expected slates beside it, which "
            "--map impressions=COLUMN or clicked=COLUMN names"
        )
    spaced = any(table.types.get(column) == "token_seq" for column in columns["item"])
    found = members(table.name, cells["item"], spaced, reading)
    read = read_ids("item", found.cells, reading)
    flaws = {row: Flaw("several items in one cell (--lists spread, or keep)") for row in found.several}
    good = {row for row, name in zip(found.rows, read.ids, strict=True) if not id_flaw("item", name)}
    parts_lost = 0
    for row, cell, name in zip(found.rows, found.cells, read.ids, strict=True):
        if not (flaw := id_flaw("item", name)):
            continue
        if row in good:  # a list with a missing item still holds the others
            parts_lost += 1
        else:
            flaws.setdefault(row, Flaw(flaw if name else flaw_of_cell("item", cell), lacking=not name))
    spelled = read.spelled
    if parts_lost:  # then the count is one of items, not of rows
        spelled = Counter({"": sum(flaw.lacking for flaw in flaws.values())})
    notes = (nothing_note("item", +spelled, len(rows.line)), *read.notes, *found.notes)
    if parts_lost:
        notes += (
            f"{parts_lost} items in lists are none or too long: left out, the others of their rows stay",
        )
    return Events(found.rows, read.ids, [""] * len(read.ids), None, flaws, notes)


def _refuse_objects(file: str, field: str, columns: Sequence[str], cells: Sequence[Any]) -> None:
    """Raise `DataError` if most of a column's first cells hold objects: an object is not an id."""
    cells = cells[:LOOKED_AT]
    found = [each for each in map(_object_in, cells) if each and not (field == "impressions" and each[1])]
    if len(columns) != 1 or 2 * len(found) <= len(cells):
        return
    inner, alone = found[0]
    column = columns[0]
    raise DataError(
        f"{file}: {column} holds {'objects' if alone else 'lists of objects'}, as {shown(inner)}; expected "
        + (
            f"ids. Name what is inside of them, as in --map {field}={column}.{next(iter(inner))}"
            if alone
            else "ids. Write one row for each of them, as pandas.json_normalize(rows, "
            f"record_path={column!r}, meta=[...]) does, or lists of ids alone"
        )
    )


def _object_in(cell: Any) -> tuple[dict[str, Any], bool] | None:
    """The object in a cell: the cell itself (True), or the first element of its list; None for none."""
    cell = plain_value(cell)
    alone = isinstance(cell, dict)
    first = cell if alone else plain_value(cell[0]) if isinstance(cell, list) and cell else None
    return (first, alone) if isinstance(first, dict) and first else None


def _of_slates(rows: Rows, reading: CellRules) -> Events:
    cells = rows.cells
    shown_cells, clicked = cells.get("impressions"), cells.get("clicked")
    named = read_ids("slate", cells["slate"], reading).ids if "slate" in cells else [""] * len(rows.line)
    items: Ids | None = None
    fields = {name: column for name, column in cells.items() if name.startswith(PREFIX)}
    single = shown_cells is None or all(len(split_ids(cell)) <= 1 for cell in shown_cells)
    if clicked is not None and single and all(map(is_answer, clicked)):
        items = read_ids("item", cells["item"] if shown_cells is None else shown_cells, reading)
        keys = zip(cells["user"], named if "slate" in cells else cells["ts"], strict=True)
        ids = [name or f"row-{line}" for name, line in zip(named, rows.line, strict=True)]
        told = read_fields(fields, [1] * len(ids), reading) if fields else NO_FIELDS
        slates = from_rows(items.ids, clicked, [tuple(map(str, key)) for key in keys], ids, told)
    elif shown_cells is not None:
        taken: set[str] = set()
        ids = []
        for name, line in zip(named, rows.line, strict=True):
            ids.append(f"{name}-{line}" if name and name in taken else name or f"row-{line}")
            taken.add(name)
        slates = from_lists(shown_cells, clicked, cells.get("item"), ids, reading, fields)
    else:
        raise DataError(
            "--map clicked=COLUMN without impressions=COLUMN: expected 1 or 0 in each row, one shown item "
            f"each; got {shown(next(cell for cell in clicked or () if not is_answer(cell)))}"
        )
    if items is None:
        used = {slate.row for slate in slates.shown} | {row for row, _, _ in slates.clicks}
    else:
        used = {row for row, name in enumerate(items.ids) if name}
    flaws = {row: Flaw("no item", lacking=True) for row in range(len(rows.line)) if row not in used}
    for row, item, _ in slates.clicks:
        if flaw := id_flaw("item", item):
            flaws.setdefault(row, Flaw(flaw, lacking=not item))
    columns = zip(*slates.clicks, strict=True) if slates.clicks else ((), (), ())
    at, items_, slate_of = map(list, columns)
    names = tuple(name.removeprefix(PREFIX) for name in fields)
    return Events(at, items_, slate_of, slates.shown, flaws, tuple(slates.notes), names)


def flaws_of(rows: Rows, users: list[str], events: Events) -> list[Flaw | None]:
    """The flaw of each row, or None: of its ids, or a missing time."""
    flaws: list[Flaw | None] = []
    for row, user in enumerate(users):
        if flaw := id_flaw("user", user):
            cell = rows.cells["user"][row]
            flaws.append(Flaw(flaw if user else flaw_of_cell("user", cell), lacking=not user))
        elif row in events.flaws:
            flaws.append(events.flaws[row])
        else:
            flaws.append(Flaw("no ts") if is_absent(rows.cells["ts"][row]) else None)
    return flaws
