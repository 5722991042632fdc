"""Several ids in one cell: a basket, a history, a slate. The reader must not take them for one id."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from streams.datasets.columns.cells import plain_value, shown
from streams.datasets.columns.name_lists import in_brackets, parsed_list

_SPLIT = re.compile(r"\s*[|;,]\s*|\s+")
_LABELLED = re.compile(r"(.+)[-:_]([01])")
MOST = 0.9


class IdLists(NamedTuple):
    """Cells of a column that hold several ids. `certain`: they are lists beyond doubt.

    `labelled`: each id ends in -0 or -1, as in slates with clicks.
    """

    rows: frozenset[int]
    certain: bool
    labelled: bool
    example: str


def several_ids(cells: Sequence[Any], spaced: bool = False) -> IdLists | None:
    """Find the cells with several ids; None if there are none.

    Lists and text in brackets are certain (`spaced`: text with spaces too, if the header says so). Other text
    holds several ids if all its parts are of one kind, with digits ("N1 N2 N3", "1|2|3"; "Blink 182" is one
    id), and if most cells are such, or, in a few cells, each part is by itself the id of another row.
    """
    parts = {cell: _parts(cell, spaced) for cell in {cell for cell in cells if isinstance(cell, str)}}
    lists = {
        cell
        for cell, found in parts.items()
        if (in_brackets(cell) or (spaced and len(found) > 1)) and not _is_uuid(cell)
    }
    certain = frozenset(
        row for row, cell in enumerate(cells)
        if isinstance(cell, list | tuple) or (isinstance(cell, str) and cell in lists)
    )  # fmt: skip
    if certain:
        return IdLists(certain, True, labelled(cells[row] for row in certain), shown(cells[min(certain)]))
    alike = {cell for cell, found in parts.items() if len(found) > 1 and _alike(found)}
    rows = frozenset(row for row, cell in enumerate(cells) if cell in alike) if alike else frozenset()
    if 2 * len(rows) <= len(cells):
        single = {cell.strip() for cell in parts if cell not in alike}
        known = {cell for cell in alike if all(part in single for part in parts[cell])}
        rows = frozenset(row for row in rows if cells[row] in known)
    if not rows:
        return None
    return IdLists(rows, False, labelled(cells[row] for row in rows), shown(cells[min(rows)]))


def split_ids(cell: Any) -> list[Any]:
    """The ids in a cell: a list, text in brackets, or text with bars, semicolons, commas or spaces between.

    >>> split_ids("N1-1 N2-0"), split_ids("5|7"), split_ids('["a", "b"]'), split_ids(7)
    (['N1-1', 'N2-0'], ['5', '7'], ['a', 'b'], [7])
    """
    cell = plain_value(cell)
    if isinstance(cell, str) and in_brackets(cell) and not _is_uuid(cell):
        cell = parsed_list(cell)
    if isinstance(cell, dict):
        return [list(pair) for pair in cell.items()]
    if isinstance(cell, list | tuple):
        return list(cell)
    if isinstance(cell, str):
        for mark in "|;,":
            if mark in cell:
                return [part for part in map(str.strip, cell.split(mark)) if part]
        return cell.split()
    return [] if cell is None else [cell]


def label_of(part: Any) -> tuple[Any, bool] | None:
    """An id and whether the user clicked it, from "N1-1" or `["N1", 1]`; None if there is no label.

    >>> label_of("N1-1"), label_of("N1")
    (('N1', True), None)
    """
    if isinstance(part, list | tuple):
        return (part[0], bool(part[1])) if len(part) == 2 and part[1] in (0, 1) else None
    match = _LABELLED.fullmatch(part) if isinstance(part, str) else None
    return None if match is None else (match[1], match[2] == "1")


def labelled(cells: Iterable[Any]) -> bool:
    """Whether the ids in these cells carry their clicks."""
    parts = [part for cell in cells for part in split_ids(cell)]
    found = sum(label_of(part) is not None for part in parts)
    return bool(parts) and found >= MOST * len(parts)


def _parts(text: str, spaced: bool) -> list[str]:
    return text.split() if spaced else [part for part in _SPLIT.split(text.strip()) if part]


def _alike(parts: Sequence[str]) -> bool:
    """Whether all parts have digits and one kind, like N105 and N7, or one length, like hashes."""
    if not all(any(map(str.isdigit, part)) for part in parts):
        return False
    return len({_kind(part) for part in parts}) == 1 or len(set(map(len, parts))) == 1


def _kind(text: str) -> str:
    """Letters and digits as runs: "N105-1" is "a9-9"."""
    signs = ("9" if char.isdigit() else "a" if char.isalpha() else char for char in text)
    return "".join(sign for sign, _ in groupby(signs))


def _is_uuid(cell: Any) -> bool:
    return isinstance(cell, str) and re.fullmatch(r"\{[0-9a-fA-F-]{36}\}", cell.strip()) is not None
