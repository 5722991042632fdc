"""`--map FIELD=a+b`: several columns as one cell, field by field.

"+" joins ids, a blank line joins texts, a space joins dates, times and all else; lists become one list. A row
whose id or time lacks a part has no id or time.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any

from streams.datasets.columns.cell_rules import CellRules
from streams.datasets.columns.cells import as_text, is_absent
from streams.datasets.columns.id_lists import split_ids
from streams.datasets.columns.ids import as_id

IDS = frozenset({"user", "item", "slate"})


def joined(field: str, cells: Sequence[Any], reading: CellRules) -> Any:
    """One cell of a field's columns.

    >>> joined("ts", ["2017-07-14", "03:29:15"], CellRules()), joined("user", ["v1", 7.0], CellRules())
    ('2017-07-14 03:29:15', 'v1+7')
    """
    if len(cells) == 1:
        return cells[0]
    if field in IDS:
        parts = ["" if is_absent(cell, reading.missing) else as_id(cell, reading.ids) for cell in cells]
        return "+".join(parts) if all(parts) else None
    if field == "ts":
        return _joined_times(cells, reading)
    if field in ("impressions", "clicked"):
        return [part for cell in cells if not is_absent(cell, reading.missing) for part in split_ids(cell)]
    between = "\n\n" if field == "text" else " "
    return between.join(filter(None, (as_text(cell, missing=reading.missing) for cell in cells)))


def _joined_times(cells: Sequence[Any], reading: CellRules) -> Any:
    if any(is_absent(cell, reading.missing) for cell in cells):
        return None
    return " ".join(map(_part, cells))


def _part(cell: Any) -> str:
    if isinstance(cell, datetime) and cell.time() == time():  # a date, as many writers store it
        return cell.date().isoformat()
    if isinstance(cell, date | time):
        return cell.isoformat()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return as_text(cell)
