"""Single cells to values: ids, ratings, texts, lists of names."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Sequence
from typing import Any

# The bounds of the events on the wire (`streams.events`); a longer text is cut, a longer id is a bad row.
ID_MAX = 128
TEXT_MAX = 16_384
SHORT_MAX = 256
LIST_MAX = 64

_ABSENT = frozenset({"", "nan", "null", "none", "na", "n/a", "\\n"})
_COMMAS = re.compile(r"[,;]\s*")


def is_absent(cell: Any) -> bool:
    """Whether a cell says that there is nothing: empty, null, NaN, NA, \\N."""
    if isinstance(cell, str):
        return cell.strip().lower() in _ABSENT
    return cell is None or (isinstance(cell, float) and cell != cell)


def as_id(cell: Any) -> str:
    """An id as text, "" where there is none. A whole float is the integer it stood for.

    >>> as_id(196.0), as_id(" B00 "), as_id(None)
    ('196', 'B00', '')
    """
    if isinstance(cell, str):
        return cell.strip()
    if cell is None or isinstance(cell, bool | list | dict):
        return ""
    if isinstance(cell, float):
        if cell != cell:
            return ""
        return str(int(cell)) if cell.is_integer() else str(cell)
    return str(cell)


def id_flaw(field: str, value: str) -> str | None:
    """Why an id can't be used, or None."""
    if not value:
        return f"no {field}"
    if len(value) > ID_MAX:
        return f"{field} has {len(value)} characters, at most {ID_MAX} are accepted"
    return None


def as_text(cell: Any, limit: int = TEXT_MAX) -> str:
    """A text of at most `limit` characters; lists are joined by spaces."""
    if isinstance(cell, str):
        return cell.strip()[:limit]
    if isinstance(cell, list):
        return " ".join(filter(None, (as_text(part) for part in cell)))[:limit]
    return "" if is_absent(cell) or isinstance(cell, dict) else str(cell)[:limit]


def as_names(cell: Any, separator: str | None = None) -> tuple[str, ...]:
    """Names from a list (nested, or of objects with a `name`), its JSON, or text split by | ; or ,

    `separator` overrides how text is split (" " for RecBole's token_seq).

    >>> as_names("Adventure|Animation"), as_names('[{"id": 28, "name": "Action"}]'), as_names("Film Noir")
    (('Adventure', 'Animation'), ('Action',), ('Film Noir',))
    """
    if isinstance(cell, str) and cell.startswith(("[", "{")):
        with contextlib.suppress(ValueError, RecursionError):
            cell = json.loads(cell)
    if isinstance(cell, str):
        parts: Sequence[str] = _split(cell, separator)
    else:
        parts = list(_flat(cell))
    names = dict.fromkeys(part.strip()[:SHORT_MAX] for part in parts if not is_absent(part))
    return tuple(names)[:LIST_MAX]


def _split(text: str, separator: str | None) -> list[str]:
    if separator is not None:
        return text.split(separator)
    return text.split("|") if "|" in text else _COMMAS.split(text)


def _flat(cell: Any) -> list[str]:
    if isinstance(cell, list | tuple):
        return [name for part in cell for name in _flat(part)]
    if isinstance(cell, dict):
        return _flat(cell.get("name"))
    return [] if is_absent(cell) else [str(cell)]
