"""What items must have, as an expression over their attributes:

    colour:red and (size:M or size:L) and not "made by":"Smith & Sons"

A condition is NAME:VALUE. What has other signs than letters, digits, and . _ - / stands in double quotes; in
these a backslash stands before a double quote and before a backslash. `and` goes before `or`, `not` before
both. Capitals mean nothing in these three words, and something in names and values. Colon and brackets may be
of full width, as Chinese keyboards write them.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from model.errors import RequestError

CONDITIONS_MAX = 64
DEPTH_MAX = 16
LENGTH_MAX = 2_000

Expression = tuple[object, ...]
"""("is", name, value), ("not", one), ("and", ...) or ("or", ...)."""

_NARROW = str.maketrans("（）：", "():")
_TOKEN = re.compile(r'\s*(?:([():（）：])|"((?:[^"\\]|\\["\\])*)"|([\w./-]+))')


def parse(text: str) -> Expression:
    """The expression that a text says; `RequestError` where it says none.

    >>> parse("colour:red and not (size:M or size:L)")
    ('and', ('is', 'colour', 'red'), ('not', ('or', ('is', 'size', 'M'), ('is', 'size', 'L'))))
    >>> parse("品牌：华为 and not （颜色：黑色）") == parse("品牌:华为 and not (颜色:黑色)")
    True
    >>> parse("colour:")
    Traceback (most recent call last):
    model.errors.RequestError: attributes is 'colour:'; expected a value after 'colour:'
    """
    if len(text) > LENGTH_MAX:
        raise RequestError(f"attributes has {len(text)} characters; expected {LENGTH_MAX} at most")
    return _Parser(text).whole()


class _Parser:
    """Reads one text. `conditions`: how many it has had so far."""

    def __init__(self, text: str) -> None:
        self.text, self.tokens, self.at, self.conditions = text, list[tuple[str, str]](), 0, 0
        place = 0
        while place < len(text.rstrip()):
            if (found := _TOKEN.match(text, place)) is None:
                raise self._wrong(f"a name, a value, a bracket or a word at {text[place:][:20]!r}")
            sign, quoted, bare = found[1], found[2], found[3]
            if sign:
                self.tokens.append(("sign", sign.translate(_NARROW)))
            elif quoted is not None:
                self.tokens.append(("text", re.sub(r"\\(.)", r"\1", quoted)))
            else:
                self.tokens.append(("bare", bare))
            place = found.end()

    def whole(self) -> Expression:
        found = self._either(0)
        if self.at < len(self.tokens):
            raise self._wrong(f"and, or, or the end before {self.tokens[self.at][1][:20]!r}")
        return found

    def _either(self, depth: int) -> Expression:
        return self._joined("or", lambda: self._joined("and", lambda: self._one(depth)))

    def _joined(self, word: str, part: Callable[[], Expression]) -> Expression:
        parts = [part()]
        while self._is_word(word):
            self.at += 1
            parts.append(part())
        return parts[0] if len(parts) == 1 else (word, *parts)

    def _one(self, depth: int) -> Expression:
        if depth > DEPTH_MAX:
            raise self._wrong(f"at most {DEPTH_MAX} brackets and nots in each other")
        if self._is_word("not"):
            self.at += 1
            return ("not", self._one(depth + 1))
        if self._takes("("):
            inner = self._either(depth + 1)
            if not self._takes(")"):
                raise self._wrong("a closing bracket for each opening one")
            return inner
        name = self._text("the name of an attribute")
        if not self._takes(":"):
            raise self._wrong(f"a colon and a value after {name[:20]!r}")
        value = self._text(f"a value after {name[:20] + ':'!r}")
        self.conditions += 1
        if self.conditions > CONDITIONS_MAX:
            raise self._wrong(f"{CONDITIONS_MAX} conditions at most")
        return ("is", name, value)

    def _is_word(self, word: str) -> bool:
        if self.at >= len(self.tokens):
            return False
        kind, text = self.tokens[self.at]
        followed = self.tokens[self.at + 1 : self.at + 2] == [("sign", ":")]
        return kind == "bare" and text.lower() == word and not followed

    def _takes(self, sign: str) -> bool:
        if self.tokens[self.at : self.at + 1] != [("sign", sign)]:
            return False
        self.at += 1
        return True

    def _text(self, expected: str) -> str:
        if self.at >= len(self.tokens) or self.tokens[self.at][0] == "sign":
            raise self._wrong(expected)
        self.at += 1
        return self.tokens[self.at - 1][1]

    def _wrong(self, expected: str) -> RequestError:
        shown = self.text if len(self.text) <= 60 else self.text[:59] + "…"
        return RequestError(f"attributes is {shown!r}; expected {expected}")


def matching(expression: Expression, having: Callable[[str, str], NDArray[np.bool_]]) -> NDArray[np.bool_]:
    """Which rows fit, bool [n]; `having`: which rows have a value of an attribute, as an array of its own."""
    kind, *parts = expression
    if kind == "is":
        name, value = parts
        return having(str(name), str(value))
    found = [matching(part, having) for part in parts if isinstance(part, tuple)]
    if kind == "not":
        return ~found[0]
    together = np.logical_and if kind == "and" else np.logical_or
    rows: NDArray[np.bool_] = together.reduce(found)
    return rows
