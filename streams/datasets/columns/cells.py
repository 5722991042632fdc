"""Single cells to plain values: missing values, texts that the core takes, numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.surrogates import made_whole
from streams.datasets.columns.cell_rules import MISSING

# The bounds of the events on the wire (`streams.events.schema`). The reader cuts a longer text; a longer id
# makes a bad row.
ID_MAX = 128
TEXT_MAX = 16_384
SHORT_MAX = 256
LIST_MAX = 64

_DECIMAL_COMMA = re.compile(r"\s*[+-]?\d+,\d+\s*")


def plain_value(cell: Any) -> Any:
    """A cell without MongoDB's wrapping: `{"$numberLong": "5"}` is "5", `{"$oid": "5f"}` is "5f".

    >>> plain_value({"$date": {"$numberLong": "1500002955000"}})
    '1500002955000'
    """
    while isinstance(cell, dict) and len(cell) == 1:
        ((name, inner),) = cell.items()
        if not (isinstance(name, str) and name.startswith("$")):
            break
        cell = inner
    return cell


def is_absent(cell: Any, missing: frozenset[str] = MISSING) -> bool:
    """Whether a cell holds no value: empty, null, NaN, or one of the spellings `missing`."""
    if isinstance(cell, str):
        text = cell.strip()
        return not text or text.lower() in missing
    return cell is None or (isinstance(cell, float) and cell != cell)


def as_text(cell: Any, limit: int = TEXT_MAX, missing: frozenset[str] = MISSING) -> str:
    """A text of at most `limit` characters, "" for a missing value; spaces join the parts of a list."""
    cell = plain_value(cell)
    if isinstance(cell, bytes):
        cell = cell.decode("utf-8", "replace")
    if isinstance(cell, str):
        return "" if is_absent(cell, missing) else made_whole(cell).strip()[:limit]
    if isinstance(cell, list | tuple):
        return " ".join(filter(None, (as_text(part, limit, missing) for part in cell)))[:limit]
    return "" if is_absent(cell) or isinstance(cell, dict) else str(cell)[:limit]


def as_numbers(cells: Sequence[Any]) -> NDArray[np.float64]:
    """Cells as floats; NaN for a cell that is not a number. A single comma is a decimal mark.

    >>> as_numbers(["3,5", 4, "x"]).tolist()
    [3.5, 4.0, nan]
    """
    try:
        found = np.array(cells, dtype=np.float64)
    except (ValueError, TypeError, OverflowError):
        found = np.empty((0, 0))
    if found.ndim == 1:  # else the cells are lists
        return found
    return np.fromiter((_number(cell) for cell in cells), np.float64, len(cells))


def _number(cell: Any) -> float:
    cell = plain_value(cell)
    if isinstance(cell, bytes):
        cell = cell.decode("utf-8", "replace")
    if not isinstance(cell, int | float | str | Decimal):
        return np.nan
    if isinstance(cell, str) and _DECIMAL_COMMA.fullmatch(cell):
        cell = cell.replace(",", ".")
    try:
        return float(cell)
    except (ValueError, OverflowError):
        return np.nan


def shown(value: Any) -> str:
    """A cell's text for messages."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
