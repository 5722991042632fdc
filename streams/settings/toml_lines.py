"""On which line of a TOML text a key stands. The reader of the standard library does not say."""

from __future__ import annotations

import re

_BARE = r"[A-Za-z0-9_-]+"
_KEY = rf"(?:{_BARE}|\"(?:[^\"\\]|\\.)*\"|'[^']*')"
_DOTTED = rf"{_KEY}(?:\s*\.\s*{_KEY})*"
_HEADER = re.compile(rf"^\s*\[\[?\s*({_DOTTED})\s*\]\]?")
_ASSIGNED = re.compile(rf"^\s*({_DOTTED})\s*=(.*)")
_PART = re.compile(_KEY)
_LONG = ('"""', "'''")


def line_of(text: str, path: tuple[str, ...]) -> int:
    """The line, from 1, that says the key at `path`; where that key is not there, of the innermost table
    around it that is; 0 for none. What stands within a value has the line of its key.

    >>> line_of("[a]\\nx = 1\\n[a.b]\\ny = 2", ("a", "b", "y"))
    4
    >>> line_of("[a]\\nx = 1\\n[a.b]\\ny = 2", ("a", "b", "z"))
    3
    """
    best, found = 0, 0
    table: tuple[str, ...] = ()
    closing = ""  # of a text over several lines
    elements: dict[tuple[str, ...], int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if closing:
            closing = "" if closing in line else closing
            continue
        if header := _HEADER.match(line):
            table = _parts(header[1])
            if line.lstrip().startswith("[["):  # an element of an array: its number is a part of the path
                elements[table] = elements.get(table, -1) + 1
                table = (*table, str(elements[table]))
            key = table
        elif assigned := _ASSIGNED.match(line):
            key = (*table, *_parts(assigned[1]))
            closing = next((mark for mark in _LONG if assigned[2].count(mark) == 1), "")
        else:
            continue
        if len(key) > found and key == path[: len(key)]:
            best, found = number, len(key)
    return best


def _parts(dotted: str) -> tuple[str, ...]:
    """The keys of a dotted key.

    >>> _parts('a . "b.c"')
    ('a', 'b.c')
    """
    return tuple(part.strip("\"'") for part in _PART.findall(dotted))
