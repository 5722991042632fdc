"""JSON text to values, line by line or object by object; the parser reads Python's notation too."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from streams.datasets.tables.json_values import plain_types, whole_texts
from streams.datasets.tables.python_notation import read_python

_TOKENS = re.compile(r"""["'{}\[\]]""")
_STRINGS = {quote: re.compile(rf"{quote}(?:\\.|[^{quote}\\])*{quote}?") for quote in "\"'"}


class ObjectText(NamedTuple):
    """One object's text, and the line where it begins, from 1. `flaw`: why it is not an object."""

    line: int
    text: str
    flaw: str | None = None


class JsonParser:
    """Reads values, and counts what is not JSON: `halves` cut characters, `python` values in its notation.

    >>> JsonParser().read('{"a": NaN, "b": {"$numberLong": "7"}}')
    {'a': nan, 'b': 7}
    """

    def __init__(self) -> None:
        self.halves = 0
        self.python = 0

    def read(self, text: str) -> Any:
        """The value, None for none. `json` knows NaN, which the faster msgspec refuses."""
        value = self._read(text)
        return plain_types(value) if '"$' in text or "'$" in text else value

    def _read(self, text: str) -> Any:
        try:
            return msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            pass
        plain = text.strip().lstrip("\x1e\ufeff").rstrip(", \t\r\n")
        try:
            return whole_texts(json.loads(plain), self._half)
        except (ValueError, RecursionError):
            pass
        if not plain.startswith(("{", "[")):
            return None
        try:
            value = whole_texts(read_python(plain), self._half)
        except (ValueError, RecursionError):
            return None
        self.python += 1
        return value

    def _half(self) -> None:
        self.halves += 1


def pieces(lines: Sequence[str]) -> Iterator[ObjectText]:
    """The objects of a text, one by one; they may run over lines, or stand side by side.

    >>> [piece.line for piece in pieces(["{", '  "a": 1', '} {"b":', "2}"])]
    [1, 3]
    """
    held: list[str] = []
    begin = depth = 0
    for number, line in enumerate(lines, 1):
        if (
            depth
            and line.startswith("{")
            and len(held) > 1
            and held[0].startswith("{")
            and held[1][:1].isspace()
        ):
            yield ObjectText(begin, "", "is an object that is not closed")
            held, depth = [], 0
        start = place = 0
        while (found := _TOKENS.search(line, place)) is not None:
            mark = found[0]
            if mark in _STRINGS:
                inside = _STRINGS[mark].match(line, found.start())
                place = inside.end() if inside is not None else len(line)
                continue
            place = found.end()
            if mark in "{[":
                if depth == 0:
                    begin, start = number, found.start()
                depth += 1
            elif depth:
                depth -= 1
                if depth == 0:
                    yield ObjectText(begin, "\n".join([*held, line[start:place]]))
                    held, start = [], place
        rest = line[start:]
        if depth:
            held.append(rest)
        elif rest.strip(" \t\r,[]\x1e\x1a"):
            yield ObjectText(number, "", "is not a JSON object")
    if depth:
        yield ObjectText(begin, "", "is an object that is not closed")


def has_key_twice(text: str) -> bool:
    """Whether an object in this JSON has a key more than once.

    >>> has_key_twice('{"a": 1, "b": {"c": 1, "c": 2}}')
    True
    """
    twice = False

    def check(pairs: list[tuple[str, Any]]) -> None:
        nonlocal twice
        twice |= len({key for key, _ in pairs}) < len(pairs)

    try:
        json.loads(text, object_pairs_hook=check)
    except (ValueError, RecursionError):
        return False
    return twice
