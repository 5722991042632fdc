"""Cells that hold several names: lists, their JSON, Python or NumPy text, or names between separators."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

from model.surrogates import made_whole
from streams.datasets.columns.cell_rules import MISSING
from streams.datasets.columns.cells import LIST_MAX, SHORT_MAX, is_absent, plain_value

# The keys under which an object holds its name, the clearest first.
NAME_KEYS = ("name", "title", "label", "value", "category", "genre", "tag", "description", "text")
# The first of these that any cell has separates the names of the whole column; names may hold the later ones.
SEPARATORS = ("|", ";", " > ", " › ", ",")
_STRING = re.compile(r"""[uUbBrR]{0,2}('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")""", re.DOTALL)
_CLOSING = {"[": "]", "(": ")", "{": "}"}
_DEPTH = 20


def in_brackets(cell: Any) -> bool:
    """Whether a cell is a list, or a list's text; "(no genres listed)" is a name."""
    if isinstance(cell, list | tuple | dict):
        return True
    text = _bare(cell) if isinstance(cell, str) else ""
    if len(text) < 2 or text[-1] != _CLOSING.get(text[0]):
        return False
    return text[0] != "(" or isinstance(parsed_list(text), list)


def parsed_list(text: str) -> Any:
    """The value of text in brackets: JSON, Python notation (sets and tuples too), NumPy's, or bare words.

    >>> parsed_list("['a' 'b']"), parsed_list("(1, nan)"), parsed_list("[Film Noir, Drama]")
    (['a', 'b'], [1, None], ['Film Noir', 'Drama'])

    None where it is none of them.
    """
    text = _bare(text)
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    strings = list(_STRING.finditer(text))
    between = [text[a.end() : b.start()] for a, b in pairwise(strings)]
    if strings and any(gap.isspace() for gap in between) and not any("," in gap for gap in between):
        return [ast.literal_eval(match[0]) for match in strings]  # Python would join NumPy's neighbours
    try:
        return _value(ast.parse(text, mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        pass
    inside = text[1:-1]
    if text[0] == "(" or any(mark in inside for mark in "[]{}():"):
        return None
    return [part.strip().strip("'\"") for part in inside.split(",")]


def separator_of(cells: Iterable[Any]) -> str:
    """The separator of the names in a column of texts; "," if there is no other."""
    found = {
        mark
        for cell in cells
        if isinstance(cell, str) and not in_brackets(cell)
        for mark in SEPARATORS
        if mark in cell
    }
    return next((mark for mark in SEPARATORS if mark in found), ",")


def as_names(
    cell: Any, separator: str | None = None, missing: frozenset[str] = MISSING
) -> tuple[str, ...] | None:
    """The names in a cell, without repeats; None for a list that the reader can't read.

    `separator` separates the names in text that is not a list; None: `separator_of` this cell.

    >>> as_names("Adventure|Animation"), as_names("[{'id': 28, 'name': 'Action'}]"), as_names("Film Noir")
    (('Adventure', 'Animation'), ('Action',), ('Film Noir',))
    """
    cell = plain_value(cell)
    if isinstance(cell, bytes):
        cell = cell.decode("utf-8", "replace")
    if isinstance(cell, str):
        if in_brackets(cell):
            cell = parsed_list(cell)
            if cell is None:
                return None
        elif not is_absent(cell, missing):
            cell = cell.split(separator_of([cell]) if separator is None else separator)
    if isinstance(cell, dict) and cell and _name_of(cell) is None and not _keys_are_names(cell):
        return None
    parts = (made_whole(part).strip()[:SHORT_MAX] for part in _flat(cell) if not is_absent(part, missing))
    return tuple(dict.fromkeys(filter(None, parts)))[:LIST_MAX]


def _flat(cell: Any, depth: int = 0) -> Iterator[str]:
    cell = plain_value(cell)
    if depth > _DEPTH or cell is None or (isinstance(cell, float) and cell != cell):
        return
    if isinstance(cell, dict):
        name = _name_of(cell)
        if name is not None:
            yield name
        elif _keys_are_names(cell):
            yield from (str(key) for key, weight in cell.items() if weight)
        return
    if isinstance(cell, list | tuple):
        for part in cell:
            yield from _flat(part, depth + 1)
        return
    yield cell.decode("utf-8", "replace") if isinstance(cell, bytes) else str(cell)


def _name_of(cell: dict[Any, Any]) -> str | None:
    by_key = {str(key).lower(): value for key, value in cell.items()}
    return next((by_key[key] for key in NAME_KEYS if isinstance(by_key.get(key), str)), None)


def _keys_are_names(cell: dict[Any, Any]) -> bool:
    """`{"Drama": 12, "Comedy": 3}`: names with counts, weights or yes and no."""
    return bool(cell) and all(isinstance(weight, int | float) for weight in cell.values())


def _bare(text: str) -> str:
    """The text without spaces around it, and without NumPy's `array(..., dtype=object)`."""
    text = text.strip()
    match = re.fullmatch(r"array\((.*?)(?:,\s*dtype=\w+)?\)", text, re.DOTALL)
    return match[1].strip() if match else text


def _value(node: ast.expr) -> Any:
    """A literal's value; unlike `ast.literal_eval`, this keeps the order of sets and reads nan."""
    match node:
        case ast.Constant(value=value):
            return value
        case ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.Set(elts=parts):
            return [_value(part) for part in parts]
        case ast.Dict(keys=keys, values=values):
            return {_key(key): _value(value) for key, value in zip(keys, values, strict=True)}
        case ast.Call(func=ast.Attribute(value=ast.Name(id="np" | "numpy")), args=[one], keywords=[]):
            return _value(one)  # np.int64(5), as NumPy 2 writes the numbers in a list
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return -value
        case ast.Name(id=word):
            return {"nan": None, "null": None, "true": True, "false": False}.get(word.lower(), word)
        case _:
            raise ValueError


def _key(node: ast.expr | None) -> Any:
    value = None if node is None else _value(node)
    if isinstance(value, list | dict):
        raise ValueError
    return value
