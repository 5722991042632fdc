"""A column of cells to ids, with counts of the cells that are not plain ids."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from model.errors import DataError
from model.surrogates import has_half
from streams.datasets.columns.cell_rules import AUTO, CellRules
from streams.datasets.columns.cells import is_absent, plain_value, shown
from streams.datasets.columns.id_lists import IdLists, several_ids, split_ids
from streams.datasets.columns.ids import as_id, is_rounded

# Above this share of all events, one user may stand for all unknown users.
ONE_USER_SHARE, FROM_USERS = 0.2, 10


class Ids(NamedTuple):
    """`ids`: "" for none. `spelled`: the spellings of missing ids with their counts, "" for empty cells."""

    ids: list[str]
    spelled: Counter[str]
    notes: tuple[str, ...]


class Members(NamedTuple):
    """Every id of every cell: `rows[k]` holds `cells[k]`. `several`: rows left out for several ids."""

    rows: list[int]
    cells: list[Any]
    several: frozenset[int]
    notes: tuple[str, ...]


def read_ids(field: str, cells: Sequence[Any], reading: CellRules = AUTO) -> Ids:
    """Ids of a column; equal ids share one string."""
    known: dict[str, str] = {}
    names: dict[str, str] = {}
    spelled: Counter[str] = Counter()
    ids, rewritten, rounded, halved = [], [], [], 0
    for cell in map(plain_value, cells):
        if isinstance(cell, str) and cell in known:
            ids.append(known[cell])
            continue
        name = "" if is_absent(cell, reading.missing) else as_id(cell, reading.ids)
        if is_absent(name, reading.missing):  # b"NA" too
            spelled[name or (cell.strip() if isinstance(cell, str) else "")] += 1
            ids.append("")
            continue
        name = names.setdefault(name, name)
        ids.append(name)
        if is_rounded(cell):
            rounded.append(cell)
        if isinstance(cell, str):
            known[cell] = name
            if name != as_id(cell, "exact"):
                rewritten.append((cell, name))
            halved += has_half(cell)
    notes = []
    if rewritten:
        before, after = rewritten[0]
        notes.append(
            f"{field}: {len(rewritten)} ids as {before!r} are read as {after!r} (--ids exact keeps them)"
        )
    if rounded:
        notes.append(
            f"{field}: {len(rounded)} ids are rounded, as {rounded[0]!r}: their last digits are lost, and "
            "several may be one now; write ids as text"
        )
    minus = ids.count("-1") if names.keys() & {"-1"} else 0
    if minus and not any(name[:1] == "-" for name in names if name != "-1"):
        notes.append(f"{field}: {minus} ids are -1: if it means none, leave it out with --missing=+-1")
    if halved:
        notes.append(f"{field}: {halved} ids hold half of a character (a lone surrogate): read as U+FFFD")
    return Ids(ids, spelled, tuple(notes))


def nothing_note(field: str, spelled: Mapping[str, int], rows: int) -> str:
    """A note on how many rows lack an id, and how they spell it; "" if none does."""
    if not spelled:
        return ""
    common = Counter(spelled).most_common(5)
    named = ", ".join(f"{word or 'empty'} {count}" for word, count in common)
    return f"{sum(spelled.values())} of {rows} rows have no {field} ({named}): left out" + (
        " (--missing sets the spellings)" if any(spelled) else ""
    )


def dominant_note(users: Sequence[str]) -> str:
    """A note on a user who has a large part of all events; "" if there is none."""
    if not users or len(counts := Counter(users)) < FROM_USERS:
        return ""
    ((user, count),) = counts.most_common(1)
    if count < ONE_USER_SHARE * len(users):
        return ""
    return (
        f"user {user!r} has {count} of {len(users)} events: if it stands for users who are not known, "
        f"leave it out with --missing=+{user}"
    )


def one_each(file: str, field: str, cells: Sequence[Any], reading: CellRules) -> frozenset[int]:
    """Rows whose cell holds several ids instead of one; raises `DataError` if most do."""
    found = several_ids(cells) if reading.lists != "keep" else None
    if found is None:
        return frozenset()
    if 2 * len(found.rows) > len(cells):
        raise DataError(
            f"{file}: {field} holds several ids in one cell, as {found.example}; expected one. Name another "
            f"column with --map {field}=COLUMN, or keep each cell as one id with --lists keep"
        )
    return found.rows


def members(file: str, cells: Sequence[Any], spaced: bool, reading: CellRules) -> Members:
    """The items of each row, under `CellRules.lists`; raises `DataError` if the column stays in doubt."""
    every = list(range(len(cells)))
    found = several_ids(cells, spaced) if reading.lists != "keep" else None
    if reading.lists == "spread":
        parts = [split_ids(cell) or [None] for cell in cells]
        spread = sum(len(each) > 1 for each in parts)
        return _spread(parts, (f"{spread} cells hold several items: each is an event (--lists spread)",))
    if found is None:
        return Members(every, list(cells), frozenset(), ())
    _refuse(file, found, len(cells))
    if not found.certain:
        return Members(every, list(cells), found.rows, ())
    parts = [split_ids(cell) or [None] if row in found.rows else [cell] for row, cell in enumerate(cells)]
    note = (
        f"{len(found.rows)} cells are lists of items, as {found.example}: each item is an event "
        "(--lists keep takes each cell as one id)"
    )
    return _spread(parts, (note,))


def _spread(parts: Sequence[Sequence[Any]], notes: tuple[str, ...]) -> Members:
    rows = [row for row, each in enumerate(parts) for _ in each]
    return Members(rows, [part for each in parts for part in each], frozenset(), notes)


def _refuse(file: str, found: IdLists, rows: int) -> None:
    slate = "if they are what was shown to the user, name the column as --map impressions=COLUMN"
    if found.labelled and 2 * len(found.rows) > rows:
        raise DataError(
            f"{file}: item holds several ids with labels in one cell, as {found.example}; {slate}. "
            "--lists keep takes each cell as one id"
        )
    if not found.certain and 2 * len(found.rows) > rows:
        raise DataError(
            f"{file}: item seems to hold several ids in one cell, as {found.example}. If each is an event, "
            f"say --lists spread; if each cell is one id, --lists keep; {slate}"
        )


def text_notes(cells: Sequence[Any], field: str, reading: CellRules) -> tuple[str, ...]:
    """Notes on a column of texts: how many spell a missing value, and how many hold half of a character."""
    texts = [cell for cell in cells if isinstance(cell, str)]
    words = Counter(cell.strip() for cell in texts if is_absent(cell, reading.missing))
    del words[""]
    notes = []
    if words:
        named = ", ".join(f"{word} {count}" for word, count in words.most_common(5))
        notes.append(f"{field}: {sum(words.values())} cells are taken as empty ({named})")
    if halved := sum(has_half(cell) for cell in texts):
        notes.append(f"{field}: {halved} cells hold half of a character (a lone surrogate): read as U+FFFD")
    return tuple(notes)


def flaw_of_cell(field: str, cell: Any) -> str:
    """Why a cell holds no id."""
    cell = plain_value(cell)
    if isinstance(cell, str) and cell.strip():
        return f"no {field} ({cell.strip()[:40]})"
    return f"no {field}" if is_absent(cell) else f"{shown(cell)} is no {field}"
