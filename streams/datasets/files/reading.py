"""How to read a data file, if its content shall not decide."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

from model.errors import DataError

Quotes = Literal["auto", "standard", "none", "backslash"]
KINDS = ("interactions", "items", "users", "graph", "links")
AUTO = "auto"
NO_COMMENTS = "none"
SEPARATORS = {"tab": "\t", "comma": ",", "semicolon": ";", "bar": "|", "colons": "::", "spaces": " "}


@dataclass(frozen=True)
class Reading:
    """The options of one file; "auto" leaves the choice to the content.

    `quotes`: "standard" believes every quoted field, whatever it swallows; "none" takes quotes as plain
    characters; "backslash" reads \\" as a quote. `encoding`: a codec of Python. `separator`: the characters
    between two fields, " " for white space. `comments`: the begin of a comment line, or "none".
    """

    quotes: Quotes = "auto"
    encoding: str = AUTO
    separator: str = AUTO
    comments: str = AUTO


@dataclass(frozen=True)
class Readings:
    """`every`: for all files; `one`: for single kinds of files."""

    every: Reading = Reading()
    one: dict[str, Reading] = field(default_factory=dict)

    def of(self, kind: str) -> Reading:
        """The reading of one kind of file: interactions, items, users, graph or links."""
        return self.one.get(kind, self.every)


def parse_readings(
    quotes: Sequence[str] = (),
    encoding: Sequence[str] = (),
    separator: Sequence[str] = (),
    comments: Sequence[str] = (),
) -> Readings:
    """The readings of `--quotes`, `--encoding`, `--separator` and `--comments`; raises `DataError`.

    Each is `VALUE` for all files, or `KIND=VALUE` for one, and may occur several times.

    >>> parse_readings(encoding=["items=gb18030"]).of("items").encoding
    'gb18030'
    """
    options = {"quotes": quotes, "encoding": encoding, "separator": separator, "comments": comments}
    checks = {"quotes": _quotes, "encoding": _encoding, "separator": _separator, "comments": _comments}
    pairs = [(name, *_placed(text)) for name, texts in options.items() for text in texts]
    readings = Readings()
    for name, kind, value in sorted(pairs, key=lambda pair: pair[1] != ""):
        found: dict[str, Any] = {name: checks[name](value)}
        if not kind:
            readings = Readings(replace(readings.every, **found))
        else:
            readings.one[kind] = replace(readings.of(kind), **found)
    return readings


def _placed(text: str) -> tuple[str, str]:
    """`KIND=VALUE` in its two parts; the kind is empty if the text names none."""
    found = re.fullmatch(rf"({'|'.join(KINDS)})=(.+)", text, re.DOTALL)
    return (found[1], found[2]) if found else ("", text)


def _quotes(value: str) -> str:
    if value not in get_args(Quotes):
        raise DataError(f"--quotes {value}: expected one of {', '.join(get_args(Quotes))}")
    return value


def _encoding(value: str) -> str:
    try:
        return value if value == AUTO else codecs.lookup(value).name
    except LookupError:
        raise DataError(
            f"--encoding {value}: expected auto, or a name that Python knows, such as utf-8, cp1252, gb18030"
        ) from None


def _separator(value: str) -> str:
    if value in (AUTO, *SEPARATORS):
        return SEPARATORS.get(value, value)
    plain = re.sub(r"\\t", "\t", value)
    plain = re.sub(r"\\x([0-9a-fA-F]{2})", lambda found: chr(int(found[1], 16)), plain)
    if not plain or "\n" in plain or "\r" in plain or '"' in plain:
        raise DataError(
            f"--separator {value!r}: expected auto, {', '.join(SEPARATORS)}, or the characters between fields"
        )
    return plain


def _comments(value: str) -> str:
    if not value or value.isspace() or '"' in value:
        raise DataError(f"--comments {value!r}: expected auto, none, or what a comment line begins with")
    return value
