"""One JSON object that is a whole table: a frame of pandas, or rows under a name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from streams.datasets.tables.column_names import is_known

KEY = "(key)"


class DocumentTable(NamedTuple):
    """Numbered rows, objects or arrays of cells; the arrays' column names; the layout in words."""

    rows: list[tuple[int, Any]]
    header: tuple[str, ...] | None
    note: str


def rows_in(document: Mapping[str, Any]) -> DocumentTable | None:
    """The rows of a document that holds several; None if the document is itself one row.

    >>> rows_in({"user": {"0": "a", "1": "b"}, "item": {"0": "x", "1": "y"}}).rows
    [(1, {'user': 'a', 'item': 'x'}), (2, {'user': 'b', 'item': 'y'})]
    """
    values = list(document.values())
    names, data = document.get("columns"), document.get("data")
    if isinstance(names, list) and isinstance(data, list):
        return DocumentTable(
            list(enumerate(data, 1)), tuple(map(str, names)), "one JSON object with columns and data"
        )
    if len(values) > 1 and all(isinstance(each, list) for each in values) and len(set(map(len, values))) == 1:
        rows = [dict(zip(document, cells, strict=True)) for cells in zip(*values, strict=True)]
        return DocumentTable(list(enumerate(rows, 1)), None, "one JSON object of columns")
    lists = {name: each for name, each in document.items() if _is_rows(each)}
    if lists:
        name = max(lists, key=lambda each: len(lists[each]))
        return DocumentTable(
            list(enumerate(lists[name], 1)), None, f"one JSON object, its rows under {name!r}"
        )
    if len(values) > 1 and all(isinstance(each, dict) and each for each in values):
        return _of_objects(document)
    return None


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, dict) for each in value)


def _of_objects(document: Mapping[str, dict[str, Any]]) -> DocumentTable | None:
    """The rows of objects: columns by row, or rows by key. Known column names tell which."""
    inner: Sequence[str] = list(next(iter(document.values())))
    rows_by_number = len(inner) > 1 or inner[0].isdecimal()
    if rows_by_number and sum(map(is_known, document)) > sum(map(is_known, inner)):
        rows = [{name: column.get(key) for name, column in document.items()} for key in inner]
        return DocumentTable(list(enumerate(rows, 1)), None, "one JSON object of columns")
    if not any(map(is_known, inner)):
        return None
    keyed = [{KEY: key, **row} for key, row in document.items()]
    return DocumentTable(
        list(enumerate(keyed, 1)), None, f"one JSON object of rows by key; the keys are column {KEY}"
    )
