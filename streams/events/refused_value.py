"""What stands where a value was refused: a check says what it expected and where, not always what came."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

_PATH = re.compile(r"- at (`key` in )?`\$([^`]*)`$")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|\[(\.\.\.)\]")
_GOT, _MOST = re.compile(r"got `(\w+)`"), re.compile(r"of length <= (\d+)")
_KINDS = {str: "str", bool: "bool", int: "int", float: "float", list: "array", dict: "object"}
SHOWN = 40
"""Characters of a value that are told."""


def with_value(told: str, value: Any) -> str:
    """A message of msgspec's, with what stands in `value` at the place that it names; the message alone where
    it names none.

    >>> with_value("Expected `str` of length <= 256 - at `$.title`", {"title": "t" * 300})
    'Expected `str` of length <= 256 - at `$.title`: there are 300 characters'
    >>> with_value("Expected `str`, got `int` - at `$.attributes[...]`", {"attributes": {"size": 3}})
    'Expected `str`, got `int` - at `$.attributes[...]`: "size" is 3'
    >>> with_value("Expected `int` <= 100 - at `$.n`", {"n": 1000})
    'Expected `int` <= 100 - at `$.n`: there is 1000'
    """
    path = _PATH.search(told)
    if path is None:
        return told
    name = ""
    for step in _STEP.finditer(path[2]):
        field, place, any_of = step.groups()
        if any_of and isinstance(value, Mapping):
            found = next(((key, each) for key, each in value.items() if _wrong(told)(each)), None)
            if found is None:
                return told
            name, value = found
        elif field is not None and isinstance(value, Mapping) and field in value:
            value = value[field]
        elif place is not None and isinstance(value, list) and int(place) < len(value):
            value = value[int(place)]
        else:
            return told
    if path[1] and isinstance(value, Mapping):
        long = next(filter(_wrong(told), value), None)
        return told if long is None else f"{told}: {_described(long, long, by_length=True)}"
    return f"{told}: {_described(name, value, 'of length' in told)}"


def read_with_value(told: str, raw: bytes) -> str:
    """The same for a value that is JSON."""
    try:
        return with_value(told, msgspec.json.decode(raw))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return told


def _wrong(told: str) -> Callable[[Any], bool]:
    """Which values of an object a message may be about: it does not say of which name."""
    got, most = _GOT.search(told), _MOST.search(told)
    if got:
        return lambda value: _KINDS.get(type(value), "null") == got[1]
    if most:
        return lambda value: isinstance(value, str) and len(value) > int(most[1])
    return lambda value: False


def _described(name: str, value: Any, by_length: bool) -> str:
    named = f'"{name[:SHOWN]}" ' if name else ""
    if by_length and isinstance(value, str | list | dict):
        has = f"{named}has" if name else "there are"
        return f"{has} {len(value)} {'characters' if isinstance(value, str) else 'entries'}"
    shown = msgspec.json.encode(value).decode()
    shown = shown if len(shown) <= SHOWN else f"{shown[:SHOWN]}..."
    return f"{named}is {shown}" if name else f"there is {shown}"
