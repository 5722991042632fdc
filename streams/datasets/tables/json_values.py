"""JSON values that are not plain: columns in objects, MongoDB's types, cut characters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from model.surrogates import has_half, made_whole

DEPTH = 4
COLUMNS_MAX = 2_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def columns_of(objects: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """The columns of some objects, in order; columns in inner objects have dots in their names.

    >>> columns_of([{"user": {"id": 7}, "item": 1}])
    ('user', 'user.id', 'item')
    """
    columns: dict[str, None] = {}
    for each in objects:
        _gather(each, "", columns, DEPTH)
    return tuple(columns)[:COLUMNS_MAX]


def cell_of(value: Mapping[str, Any], column: str) -> Any:
    """The cell of a column: by its name, else by the name as a path; None for none.

    >>> cell_of({"user": {"id": 7}}, "user.id")
    7
    """
    if column in value or "." not in column:
        return value.get(column)
    begin, _, rest = column.partition(".")
    while begin:
        inner = value.get(begin)
        if isinstance(inner, Mapping):
            found = cell_of(inner, rest)
            if found is not None:
                return found
        more, dot, rest = rest.partition(".")
        if not dot:
            return None
        begin = f"{begin}.{more}"
    return None


def plain_types(value: Any) -> Any:
    """The value without the wrappers of MongoDB's extended JSON; its dates become moments.

    >>> plain_types({"_id": {"$oid": "5f"}, "n": {"$numberLong": "7"}})
    {'_id': '5f', 'n': 7}
    """
    if isinstance(value, list):
        return [plain_types(each) for each in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((name, inner),) = value.items()
        if name in _UNWRAP:
            return _UNWRAP[name](inner)
    if "$binary" in value or "$regex" in value:
        return value.get("$binary", value.get("$regex"))
    return {name: plain_types(inner) for name, inner in value.items()}


def whole_texts(value: Any, count: Callable[[], None]) -> Any:
    """The value with every half of a character made whole or replaced; calls `count` for each such text."""
    if isinstance(value, str):
        if has_half(value):
            count()
            return made_whole(value)
        return value
    if isinstance(value, list):
        return [whole_texts(each, count) for each in value]
    if isinstance(value, dict):
        return {whole_texts(name, count): whole_texts(inner, count) for name, inner in value.items()}
    return value


def _gather(value: Mapping[str, Any], begin: str, columns: dict[str, None], depth: int) -> None:
    for name, inner in value.items():
        if len(columns) >= COLUMNS_MAX:
            return
        columns.setdefault(begin + name)
        if isinstance(inner, Mapping) and depth > 1:
            _gather(inner, f"{begin}{name}.", columns, depth - 1)


def _date(inner: Any) -> Any:
    ms = plain_types(inner)
    try:
        return _EPOCH + timedelta(milliseconds=ms) if isinstance(ms, int | float) else ms
    except (OverflowError, ValueError):
        return None


def _number(kind: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def read(inner: Any) -> Any:
        try:
            return kind(inner)
        except (TypeError, ValueError):
            return None

    return read


def _timestamp(inner: Any) -> Any:
    seconds = inner.get("t") if isinstance(inner, dict) else None
    return _date(seconds * 1_000) if isinstance(seconds, int) else None


def _same(inner: Any) -> Any:
    return inner


_UNWRAP: dict[str, Callable[[Any], Any]] = {
    "$oid": _same,
    "$uuid": _same,
    "$symbol": _same,
    "$date": _date,
    "$timestamp": _timestamp,
    "$numberLong": _number(int),
    "$numberInt": _number(int),
    "$numberDouble": _number(float),
    "$numberDecimal": _number(float),
    "$undefined": lambda _inner: None,
}
