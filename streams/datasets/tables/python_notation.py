"""Values in Python's notation, as old dumps have them: `{u'user': u'a', 'seen': True, 'score': None}`.

The reader runs no code: it parses the text, and takes only literals from the syntax tree, and the few calls
that stand for one value (`datetime(...)`, `ObjectId(...)`). MongoDB's shell writes alike (`{_id:
ObjectId("5")}`).
"""

from __future__ import annotations

import ast
import re
import warnings
from datetime import UTC, datetime, timedelta
from typing import Any

_NAMES = {
    "None": None, "True": True, "False": False, "null": None, "true": True, "false": False, "undefined": None,
    "nan": float("nan"), "NaN": float("nan"), "inf": float("inf"), "Infinity": float("inf"),
}  # fmt: skip
# Calls that hold the one value they stand for.
_HOLDERS = frozenset(
    ("ObjectId", "ISODate", "NumberLong", "NumberInt", "NumberDecimal", "Decimal", "UUID", "Timestamp",
     "Binary", "str", "int", "float", "unicode", "array", "set", "frozenset", "list", "tuple", "dict",
     "float64", "float32", "int64", "int32", "str_", "bool_")
)  # fmt: skip
# The pattern passes over strings, so that only numbers outside of them lose Python 2's L.
_OLD_NUMBERS = re.compile(
    r"""(?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|(?<![\w.])(?P<number>\d+)[lL]\b""", re.DOTALL
)


def read_python(text: str) -> Any:
    """The value of the text; raises `ValueError` if it is not a value.

    >>> read_python("{u'a': 1, 'b': [None, {'c': True}]}")
    {'a': 1, 'b': [None, {'c': True}]}
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "\d" in a text is an invalid escape, and stays as it is
            try:
                tree = ast.parse(text.strip(), mode="eval")
            except SyntaxError:
                tree = ast.parse(_OLD_NUMBERS.sub(_new_number, text.strip()), mode="eval")
        return _value(tree.body)
    except (SyntaxError, MemoryError, RecursionError, TypeError, OverflowError) as error:
        raise ValueError(f"is not a value in Python's notation: {error}") from None


def _new_number(found: re.Match[str]) -> str:
    return found["text"] or found["number"]


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Dict):
        keys = [_key(key) for key in node.keys]
        return dict(zip(keys, map(_value, node.values), strict=True))
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        return [_value(part) for part in node.elts]
    if isinstance(node, ast.Name) and node.id in _NAMES:
        return _NAMES[node.id]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        number = _value(node.operand)
        if isinstance(number, int | float):
            return -number if isinstance(node.op, ast.USub) else number
    if isinstance(node, ast.Call):
        return _call(node)
    raise ValueError(f"has {type(node).__name__} where a value is expected")


def _key(node: ast.expr | None) -> str:
    if isinstance(node, ast.Name) and node.id not in _NAMES:
        return node.id
    if node is None:
        raise ValueError("unpacks a dictionary where a value is expected")
    key = _value(node)
    return key if isinstance(key, str) else str(key)


def _call(node: ast.Call) -> Any:
    """`ObjectId("5f")` is "5f"; `datetime.datetime(2017, 7, 14)` is that moment; other calls are errors."""
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    values = [_value(each) for each in node.args]
    if name == "datetime" and len(values) >= 3:
        return _moment(values[:7])
    if name == "date" and len(values) == 3:
        return _moment(values)
    if name == "Date" and len(values) == 1 and isinstance(values[0], int):
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=values[0])
    if name == "OrderedDict" and values and isinstance(values[0], list):
        return {str(key): value for key, value in values[0]}
    if name in _HOLDERS and values:
        return values[0]
    raise ValueError(f"calls {name or 'something'} where a value is expected")


def _moment(parts: list[Any]) -> datetime:
    """A time in UTC from year, month, day and so on."""
    year, month, day, hour, minute, second, micro = [*map(int, parts), 0, 0, 0, 0][:7]
    return datetime(year, month, day, hour, minute, second, micro, tzinfo=UTC)
