"""A body that is JSON in places only: where a value ends, and where brackets close. Each read has a price.

A reader that starts again behind every error takes quadratic time. So each read spends some of a budget that
is linear in the body's length, and a body that needs more is refused.
"""

from __future__ import annotations

import json
import re

from model.errors import HeadraceError

WS = r"[ \t\r\n]"
TEXT = r'"(?:[^"\\]++|\\.)*+"'
_SPACE = re.compile(rf"{WS}*")
_BRACKET = re.compile(rf'[^"\[\]{{}},]*+(?:{TEXT}[^"\[\]{{}},]*+)*+([\[\]{{}},"]|\Z)', re.DOTALL)
# A text, and behind it a character that JSON does not allow there: quotes have changed sides.
_ODD = re.compile(
    rf'(?:[^"]*+{TEXT}{WS}*+(?=[:,}}\]]))*+[^"]*+{TEXT}{WS}*+[^:,}}\]]',
    re.DOTALL,
)

READS = 16
"""How many times the code may read a body over; it refuses a body that needs more."""
FLOOR = 2_000_000
"""Characters that the code may read of any body, however small."""
BRACKET_COST, FAILURE_COST = 16, 160
"""The price of a bracket in a broken element, and of an attempt that finds no value; in characters."""
WINDOW = 65_536
"""How many characters the JSON reader gets at first: after an error it counts the lines of all of them."""
CUT = 16
"""An error this near to the window's end may come from the cut."""

_SEPARATORS = " \t\r\n\x1e"
_reader = json.JSONDecoder(parse_int=float, parse_float=float, parse_constant=float, strict=False)


class ExhaustedError(HeadraceError):
    """The budget is spent; `at` is the byte where the read began."""

    def __init__(self, at: int) -> None:
        super().__init__("too much is broken to tell the events apart")
        self.at = at


def second_value(body: bytes) -> int | None:
    r"""Where another object or array begins behind the first one, as in lines of JSON; None for nowhere.

    >>> second_value(b'{"a": 1}\n{"b": 2}\n'), second_value(b"[1], 2"), second_value(b"[1")
    (9, None, None)
    """
    text = body.decode("latin-1")
    try:
        end = _reader.raw_decode(text, len(text) - len(text.lstrip(_SEPARATORS)))[1]
    except (json.JSONDecodeError, RecursionError):
        return None
    second = len(text) - len(text[end:].lstrip(_SEPARATORS))
    return second if text[second : second + 1] in ("{", "[") else None


class DamagedJson:
    """A body as latin-1 text: a character is a byte. Every read raises `ExhaustedError` beyond the budget.

    >>> damaged = DamagedJson(b'[{"a": 1}, {"b": 1.}]')
    >>> damaged.value(1), damaged.value(11), damaged.closing(11)
    (9, None, 20)
    """

    def __init__(self, body: bytes) -> None:
        self.text = body.decode("latin-1")
        self.last = len(self.text.rstrip(" \t\r\n")) - 1
        """The place of the last character that is not white space."""
        self._effort = READS * len(body) + FLOOR

    def value(self, start: int) -> int | None:
        """Where the JSON value at `start` ends; None where there is none."""
        size = WINDOW
        while True:
            text = self.text[start : start + size]
            whole = start + size >= len(self.text)
            try:
                end = _reader.raw_decode(text)[1]
            except json.JSONDecodeError as error:
                unclosed = error.msg.startswith("Unterminated string")
                self.spend(len(text) if unclosed else error.pos + FAILURE_COST, start)
                if whole or not (unclosed or error.pos + CUT >= len(text)):
                    return None
            except RecursionError:
                self.spend(100 * FAILURE_COST, start)
                return None
            else:
                self.spend(end, start)
                if whole or end < len(text):
                    return start + end if start + end <= self.last else None
            size *= 16

    def closing(self, start: int) -> int | None:
        """The first comma or closing bracket from `start` on that is outside of all that opens from there;
        None where the brackets don't match.
        """
        opened: list[str] = []
        at = start
        for found in _BRACKET.finditer(self.text, start):
            self.spend(found.end() - at + BRACKET_COST, start)
            at = found.end()
            match found[1]:
                case "{" | "[":
                    opened.append(found[1])
                case "}" | "]":
                    if not opened:
                        return found.start(1)
                    if opened.pop() + found[1] not in ("{}", "[]"):
                        return None
                case ",":
                    if not opened:
                        return found.start(1)
                case _:  # a text without its closing quote, or the end of the body
                    self.spend(len(self.text) - at, start)
                    return None
        return None

    def is_odd(self, start: int, end: int) -> bool:
        """Whether a quote is lost between the two places, so that texts and what lies between them swap."""
        return _ODD.match(self.text, start, end) is not None

    def names(self, start: int, end: int | None, name: str) -> bool:
        """Whether a name stands between two places."""
        return end is not None and self.text.find(name, start, end) >= 0

    def skip(self, at: int) -> int:
        """The first place from `at` on that is not white space."""
        found = _SPACE.match(self.text, at)
        return found.end() if found else at

    def spend(self, characters: int, at: int) -> None:
        """Take the price of a read that begins at `at` from the budget."""
        self._effort -= characters
        if self._effort < 0:
            raise ExhaustedError(at)
