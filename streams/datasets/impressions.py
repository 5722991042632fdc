"""Slates in a dataset's rows: the items that a user saw, and the ones that the user clicked.

Three layouts: ids that carry their clicks ("N1-1 N2-0"); a list of shown items, with a list of clicks, one
clicked id, or nothing beside it; one row for each shown item, with a column that says whether the user
clicked it. Each slate becomes an impression, and its clicks follow it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.errors import DataError
from streams.datasets.columns.cell_rules import CellRules
from streams.datasets.columns.cells import ID_MAX, is_absent, plain_value
from streams.datasets.columns.id_lists import label_of, labelled, split_ids
from streams.datasets.columns.ids import as_id
from streams.datasets.columns.name_lists import in_brackets
from streams.datasets.shown_fields import NO_FIELDS, Numbers, ShownFields, read_fields

# The bound of an impression on the wire (`streams.events.schema.Impression`).
SLATE_MAX = 200
CLICKED_IDS = "the clicked ids"
_YES = frozenset(("1", "1.0", "true", "t", "yes", "y", "click", "clicked"))
_NO = frozenset(("0", "0.0", "false", "f", "no", "n"))


class Shown(NamedTuple):
    """A slate that a user saw: `items` in their order; `number`: its place among all slates. `told`: for each
    item the numbers of the stream's `shown_fields`; () where there are no such fields.
    """

    number: int
    user: str
    slate_id: str
    ts_ms: int
    items: tuple[str, ...]
    told: tuple[Numbers, ...] = ()


class Slate(NamedTuple):
    """A slate as its row has it; `row`: the row of its user and time; `told` as in `Shown`."""

    row: int
    slate_id: str
    items: tuple[str, ...]
    told: tuple[Numbers, ...] = ()


@dataclass
class Slates:
    """`clicks`: row, item and slate of every click, in the order of the rows; "" for no slate."""

    shown: list[Slate] = field(default_factory=list)
    clicks: list[tuple[int, str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def from_lists(
    shown: Sequence[Any],
    clicked: Sequence[Any] | None,
    items: Sequence[Any] | None,
    slate_ids: Sequence[str],
    reading: CellRules,
    fields: Mapping[str, Sequence[Any]] = {},
) -> Slates:
    """One slate a row. The ids' labels name the clicked items, else `clicked` does (a list of ids, or of 1
    and 0), else `items`, the row's own item. A row without a slate is a click on its item. `fields`: columns
    with a number for each shown item.
    """
    slates = [[] if is_absent(cell, reading.missing) else split_ids(cell) for cell in shown]
    if clicked is None and labelled(cell for cell, parts in zip(shown, slates, strict=True) if parts):
        how, marked = "their labels (-1 clicked, -0 not)", _by_labels(slates, reading)
    elif clicked is not None:
        answers = [
            [] if is_absent(cell, reading.missing) else _answer(cell, parts)
            for cell, parts in zip(clicked, slates, strict=True)
        ]
        flags = _are_flags(slates, answers)
        how = "a list of 1 and 0" if flags else CLICKED_IDS
        marked = (_by_flags if flags else _by_ids)(slates, answers, reading)
    else:  # a row's own item is one id, whatever is in it
        own = [None] * len(shown) if items is None else items
        how = "no clicks" if items is None else "the row's item"
        marked = _by_ids(slates, [[] if is_absent(c, reading.missing) else [c] for c in own], reading)
    told = read_fields(fields, [len(parts) for parts in slates], reading) if fields else NO_FIELDS
    return _collected(marked, slate_ids, how, told)


def _answer(cell: Any, parts: Sequence[Any]) -> list[Any]:
    """The clicked ids: the cell as one id if the slate has it or is missing, else the ids of a list."""
    alone = isinstance(cell, str) and not in_brackets(cell) and not parts
    return [cell] if alone or as_id(cell) in {as_id(part) for part in parts} else split_ids(cell)


Marked = tuple[list[str], list[str]]


def _by_labels(slates: Sequence[Sequence[Any]], reading: CellRules) -> list[Marked]:
    found = []
    for parts in slates:
        pairs = [label_of(part) or (part, False) for part in parts]
        ids = [as_id(part, reading.ids) for part, _ in pairs]
        found.append((ids, [name for name, (_, yes) in zip(ids, pairs, strict=True) if yes]))
    return found


def _by_flags(
    slates: Sequence[Sequence[Any]], answers: Sequence[Sequence[Any]], reading: CellRules
) -> list[Marked]:
    found = []
    for parts, flags in zip(slates, answers, strict=True):
        ids = [as_id(part, reading.ids) for part in parts]
        found.append((ids, [name for name, yes in zip(ids, flags, strict=False) if is_clicked(yes)]))
    return found


def _by_ids(
    slates: Sequence[Sequence[Any]], answers: Sequence[Sequence[Any]], reading: CellRules
) -> list[Marked]:
    pairs = zip(slates, answers, strict=True)
    return [
        ([as_id(part, reading.ids) for part in parts], [as_id(part, reading.ids) for part in clicked])
        for parts, clicked in pairs
    ]


def _collected(marked: Sequence[Marked], slate_ids: Sequence[str], how: str, told: ShownFields) -> Slates:
    found = Slates()
    cut = outside = known = unusable = 0
    example = ""
    for row, (ids, clicked) in enumerate(marked):
        usable = [name for name in dict.fromkeys(ids) if 0 < len(name) <= ID_MAX]
        unusable += sum(not 0 < len(name) <= ID_MAX for name in ids)
        slate_id = slate_ids[row] if usable else ""
        if usable:
            shown = usable[:SLATE_MAX]
            numbers = tuple(told.values[row][ids.index(name)] for name in shown) if told.names else ()
            found.shown.append(Slate(row, slate_id, tuple(shown), numbers))
            cut += len(usable) > SLATE_MAX
            strange = [name for name in clicked if name not in ids]
            outside += len(strange)
            known += len(clicked) - len(strange)
            example = example or next(iter(strange), "")
        found.clicks += [(row, name, slate_id) for name in dict.fromkeys(clicked)]
    found.notes += [*_notes(found, f"clicks by {how}" if how != "no clicks" else how, cut), *told.notes]
    if unusable:
        found.notes.append(f"{unusable} shown ids are empty or have more than {ID_MAX} characters: left out")
    if outside:
        found.notes.append(
            f"{outside} clicks are on items that their slate does not have, as {example!r} "
            f"(--missing=+{example} if it means none)"
        )
    if how == CLICKED_IDS and outside > known:
        raise DataError(
            f"--map clicked=COLUMN: {outside} of {outside + known} clicked ids are not in their slates, as "
            f"{example!r}; expected ids of shown items, or a list of 1 and 0. Places in the list are not "
            f"ids: write the ids instead. If {example!r} means none, pass --missing=+{example}"
        )
    return found


def from_rows(
    items: Sequence[str],
    clicked: Sequence[Any],
    groups: Sequence[Any],
    slate_ids: Sequence[str],
    told: ShownFields = NO_FIELDS,
) -> Slates:
    """One shown item a row: the rows of a group (user and time, or the slate's id) are one slate."""
    found = Slates()
    members: dict[Any, list[int]] = {}
    for row, group in enumerate(groups):
        members.setdefault(group, []).append(row)
    slate_of: dict[int, str] = {}
    cut = 0
    for rows in members.values():
        usable = [row for row in rows if 0 < len(items[row]) <= ID_MAX]
        if not usable:
            continue
        row_of = {items[row]: row for row in reversed(usable)}
        first, ids = usable[0], list(dict.fromkeys(items[row] for row in usable))
        cut += len(ids) > SLATE_MAX
        shown = tuple(ids[:SLATE_MAX])
        numbers = tuple(told.values[row_of[name]][0] for name in shown) if told.names else ()
        found.shown.append(Slate(first, slate_ids[first], shown, numbers))
        slate_of.update(dict.fromkeys(usable, slate_ids[first]))
    found.clicks = [
        (row, items[row], slate_of.get(row, "")) for row, cell in enumerate(clicked) if is_clicked(cell)
    ]
    found.notes += [*_notes(found, "one shown item a row", cut), *told.notes]
    return found


def is_clicked(cell: Any) -> bool:
    """Whether a cell says yes."""
    return str(plain_value(cell)).strip().lower() in _YES


def is_answer(cell: Any) -> bool:
    """Whether a cell says yes, no or nothing."""
    return is_absent(cell) or str(plain_value(cell)).strip().lower() in _YES | _NO


def attached(
    slates: Sequence[Slate],
    users: Sequence[str],
    ts_ms: NDArray[np.int64],
    first_click: dict[str, int],
    event_ts_ms: NDArray[np.int64],
) -> tuple[list[tuple[Shown, ...]], int]:
    """For each event the slates just before it, and how many slates come after the last event.

    `users` and `ts_ms` by the slates' rows; `first_click`: the event that is a slate's first click. A slate
    without a click comes before the first event that is not earlier.
    """
    at = [
        first_click.get(slate.slate_id, int(np.searchsorted(event_ts_ms, ts_ms[slate.row])))
        for slate in slates
    ]
    order = sorted(range(len(slates)), key=lambda k: (at[k], int(ts_ms[slates[k].row]), slates[k].row))
    before: list[list[Shown]] = [[] for _ in event_ts_ms]
    late = 0
    for number, k in enumerate(order):
        slate = slates[k]
        if at[k] >= len(before):
            late += 1
            continue
        shown = Shown(
            number, users[slate.row], slate.slate_id, int(ts_ms[slate.row]), slate.items, slate.told
        )
        before[at[k]].append(shown)
    return [tuple(each) for each in before], late


def _are_flags(slates: Sequence[Sequence[Any]], answers: Sequence[Sequence[Any]]) -> bool:
    """Whether the answers are 1 and 0 for each shown item, and not the ids of clicked ones."""
    ids = flags = 0
    for parts, answer in zip(slates, answers, strict=True):
        if parts and answer:
            names = {as_id(part) for part in parts}
            ids += all(as_id(part) in names for part in answer)
            flags += len(answer) == len(parts) and all(map(is_answer, answer))
    return flags > ids


def _notes(found: Slates, how: str, cut: int) -> list[str]:
    items = sum(len(slate.items) for slate in found.shown)
    notes = [f"{len(found.shown)} impressions of {items} items, {len(found.clicks)} clicks: {how}"]
    if cut:
        notes.append(f"{cut} slates are longer than {SLATE_MAX} items: cut")
    return notes
