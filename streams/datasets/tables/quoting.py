"""One row of delimited text to its fields.

A quote opens a field only at the field's begin, and closes it only before a separator or a line's end. Any
other quote is a plain character.
"""

from __future__ import annotations

import csv
import re
from typing import NamedTuple

FIELD_LIMIT = 1 << 20
SPACES = " "
"""As a separator: any run of white space."""


class Dialect(NamedTuple):
    """How a file separates its fields. `quote`: "" for none. `escape`: whether a backslash makes the next
    quote, separator, backslash or line end plain. `trust`: whether the reader believes every quoted field.
    `padded`: whether spaces may stand before a quote.
    """

    delimiter: str
    quote: str = '"'
    escape: bool = False
    trust: bool = False
    padded: bool = False


class Split(NamedTuple):
    """`open`: the last field's quote (or escape) is not closed in the text; that field is then missing.

    `clean`: a careful writer could have written every quote of the text.
    """

    fields: list[str]
    open: bool = False
    clean: bool = True


def split(text: str, dialect: Dialect) -> Split:
    '''The fields of one row, without its line end.

    >>> split('a,"b, ""c""",d', Dialect(",")).fields
    ['a', 'b, "c"', 'd']
    '''
    delimiter, quote, escape = dialect.delimiter, dialect.quote, dialect.escape
    if delimiter == SPACES:
        return _split_spaces(text, quote)
    fields: list[str] = []
    clean, place, end = True, 0, len(text)
    while True:
        start = place
        while dialect.padded and text.startswith(" ", start):
            start += 1
        if quote and text.startswith(quote, start):
            close, exact = _closing(text, start + 1, dialect)
            if close < 0:
                return Split(fields, True, clean)
            clean &= exact
            fields.append(_unescaped(text[start + 1 : close].replace(quote * 2, quote), dialect))
            place = _after_spaces(text, close + 1, delimiter)
        else:
            stop = _next_delimiter(text, place, dialect)
            if stop < 0:
                return Split(fields, True, clean)
            raw = text[place:stop]
            if quote and quote in raw:
                clean &= escape and quote not in raw.replace("\\" + quote, "")
            fields.append(_unescaped(raw, dialect))
            place = stop
        if place >= end:
            return Split(fields, False, clean)
        place += len(delimiter)


def split_by_field(text: str, dialect: Dialect) -> list[str]:
    """The fields if no quote may hold a separator; a field that is well quoted by itself loses its quotes.

    >>> split_by_field('1,"well",5" disk,"oops', Dialect(","))
    ['1', 'well', '5" disk', '"oops']
    """
    parts = text.split() if dialect.delimiter == SPACES else text.split(dialect.delimiter)
    return [_unquoted(part, dialect) for part in parts] if dialect.quote else parts


class CarefulRows:
    """Does the work of `split` with the csv module, for careful text, which nearly all rows are.

    >>> rows = CarefulRows(Dialect(",")); rows.fields("'a',b") or rows.fields('"not closed')
    ["'a'", 'b']
    """

    def __init__(self, dialect: Dialect) -> None:
        odd = dialect.escape or dialect.padded or len(dialect.delimiter) > 1 or not dialect.quote
        self._reader = None
        self._waiting: list[str] = []
        if not odd and dialect.delimiter != SPACES:
            csv.field_size_limit(FIELD_LIMIT)
            self._reader = csv.reader(
                iter(self._waiting.pop, None),
                delimiter=dialect.delimiter,
                quotechar=dialect.quote,
                strict=True,
            )

    def fields(self, text: str) -> list[str] | None:
        """The fields of one row; None if the csv module can't separate them."""
        if self._reader is None:
            return None
        self._waiting.append(text)
        try:
            return next(self._reader)
        except (csv.Error, IndexError):  # IndexError: the row goes on, and there is no further line
            self._waiting.clear()
            return None


def closing_of(dialect: Dialect) -> re.Pattern[str]:
    """A quick test for a line in which an open field may end: no match means that it does not."""
    if dialect.escape:
        return re.compile("")
    return re.compile(rf"{re.escape(dialect.quote)}[ \t]*(?:{re.escape(dialect.delimiter)}|\r?\n?\Z)")


def _closing(text: str, place: int, dialect: Dialect) -> tuple[int, bool]:
    """Where the field's quote closes, -1 for nowhere; whether all quotes before it are doubled or escaped."""
    quote, exact = dialect.quote, True
    while True:
        place = text.find(quote, place)
        if place < 0:
            return -1, exact
        if dialect.escape and _escaped(text, place):
            place += 1
        elif text.startswith(quote, place + 1):
            place += 2
        else:
            after = _after_spaces(text, place + 1, dialect.delimiter)
            if after >= len(text) or text.startswith(dialect.delimiter, after):
                return place, exact
            exact = False
            place += 1


def _after_spaces(text: str, place: int, delimiter: str) -> int:
    """The place after spaces, if a separator or the end follows them; else the same place."""
    after = place
    while after < len(text) and text[after] in " \t" and not text.startswith(delimiter, after):
        after += 1
    return after if after >= len(text) or text.startswith(delimiter, after) else place


def _next_delimiter(text: str, place: int, dialect: Dialect) -> int:
    """Where a field without quotes ends; -1 where its last character escapes the line's end."""
    while True:
        found = text.find(dialect.delimiter, place)
        stop = len(text) if found < 0 else found
        if not (dialect.escape and _escaped(text, stop)):
            return stop
        if found < 0:
            return -1
        place = found + 1


def _escaped(text: str, place: int) -> bool:
    """Whether an odd number of backslashes stands before this place."""
    before = place
    while before and text[before - 1] == "\\":
        before -= 1
    return (place - before) % 2 == 1


def _unescaped(field: str, dialect: Dialect) -> str:
    """The field without escaping backslashes; one before any other character stays (`\\N`)."""
    if not dialect.escape or "\\" not in field:
        return field
    escapable = re.escape(f"\\\r\n'{dialect.quote}{dialect.delimiter[0]}")
    return re.sub(rf"\\([{escapable}])", r"\1", field)


def _unquoted(part: str, dialect: Dialect) -> str:
    quote = dialect.quote
    if len(part) < 2 or not part.startswith(quote) or not part.endswith(quote):
        return _unescaped(part, dialect)
    inner = part[1:-1]
    bare = inner.replace(quote * 2, "")
    if dialect.escape:
        bare = bare.replace("\\" + quote, "")
    return part if quote in bare else _unescaped(inner.replace(quote * 2, quote), dialect)


def _split_spaces(text: str, quote: str) -> Split:
    if not quote or quote not in text:
        return Split(text.split())
    mark = re.escape(quote)
    parts = re.findall(rf"{mark}(?:[^{mark}]|{mark}{mark})*{mark}(?!\S)|\S+", text)
    return Split([_unquoted(part, Dialect(SPACES, quote)) for part in parts])
