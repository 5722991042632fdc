"""How to read ambiguous cells. Each field is one option of every command that reads files."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, get_args

from model.actions import NAME_PATTERN
from model.errors import SettingsError

Ids = Literal["auto", "exact", "numeric"]
Lists = Literal["auto", "spread", "keep"]
Decimal = Literal["auto", "point", "comma"]

# How pandas, R, SQL, Hive, JavaScript, spreadsheets and UCI's files write a missing value.
_SPELLINGS = r"""
    na n/a #n/a #na <na> nan -nan nat null (null) [null] none (none) nil undefined \N - -- ?
    1.#ind -1.#ind 1.#qnan -1.#qnan
"""
MISSING = frozenset(_SPELLINGS.lower().split()) | {"#n/a n/a"}
TIME_UNITS = ("seconds", "milliseconds", "microseconds", "nanoseconds")
TIME_WORDS = ("auto", *TIME_UNITS, "excel", "day-first", "month-first")


@dataclass(frozen=True)
class CellRules:
    """`times`: one of `TIME_WORDS`, or a format of strptime ("%d.%m.%Y %H:%M").

    `missing`: the spellings, in lower case, of a missing id or text; an empty cell is always missing.
    `ids`: "auto" reads 103.0 and b'103' as 103; "exact" takes texts as they stand; "numeric" also drops
    leading zeros. `lists`: several ids in one cell: "spread" makes each an event, "keep" takes the cell as
    one id, "auto" spreads certain lists and refuses cells that only look like one.
    `unrated`: the numbers that mean "not rated"; None: the column tells. `scale`: the lowest and the highest
    rating; None: the column tells. `decimal`: the decimal mark of prices.
    `separator`: the separator of names in a cell; None: the column tells.
    `actions`: the action that a word of the action column stands for; "": its rows are no events.
    """

    times: str = "auto"
    missing: frozenset[str] = MISSING
    ids: Ids = "auto"
    lists: Lists = "auto"
    unrated: tuple[float, ...] | None = None
    scale: tuple[float, float] | None = None
    decimal: Decimal = "auto"
    separator: str | None = None
    actions: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.times not in TIME_WORDS and "%" not in self.times:
            raise SettingsError(
                f"--times {self.times}: expected one of {', '.join(TIME_WORDS)}, or a format as in "
                "--times '%d.%m.%Y %H:%M'"
            )
        if "%" in self.times:
            _check_format(self.times)
        for name, value, kinds in (
            ("ids", self.ids, Ids), ("lists", self.lists, Lists), ("decimal", self.decimal, Decimal),
        ):  # fmt: skip
            if value not in get_args(kinds):
                raise SettingsError(f"--{name} {value}: expected one of {', '.join(get_args(kinds))}")
        if self.scale is not None and not self.scale[0] < self.scale[1]:
            raise SettingsError(f"--scale {self.scale}: expected LOW..HIGH, as in --scale 0..10")
        if self.separator == "":
            raise SettingsError(
                "--name-separator: expected the text between names in a cell, as in --name-separator '|'"
            )


AUTO = CellRules()


def parse_missing(text: str) -> frozenset[str]:
    """The spellings of `--missing NA,null`; "" leaves only empty cells, "+0" adds to the usual ones.

    >>> sorted(parse_missing("NA,null")), parse_missing("+0") == MISSING | {"0"}
    (['na', 'null'], True)
    """
    words = frozenset(filter(None, (part.strip().lower() for part in text.removeprefix("+").split(","))))
    return MISSING | words if text.startswith("+") else words


def parse_unrated(text: str) -> tuple[float, ...] | None:
    """The numbers of `--unrated=-1,0`; "auto" is None, "none" is no number. Raises `SettingsError`.

    >>> parse_unrated("-1,0"), parse_unrated("none"), parse_unrated("auto")
    ((-1.0, 0.0), (), None)
    """
    if text.strip().lower() in ("auto", "none"):
        return None if text.strip().lower() == "auto" else ()
    try:
        return tuple(_finite(part) for part in text.split(","))
    except ValueError:
        raise SettingsError(
            f"--unrated {text}: expected auto, none, or numbers, as in --unrated=-1,0"
        ) from None


def parse_scale(text: str) -> tuple[float, float]:
    """The ends of `--scale 0..10`; raises `SettingsError`.

    >>> parse_scale("-10..10")
    (-10.0, 10.0)
    """
    low, dots, high = text.partition("..")
    try:
        if not dots:
            raise ValueError
        return _finite(low), _finite(high)
    except ValueError:
        raise SettingsError(f"--scale {text}: expected LOW..HIGH, as in --scale 0..10") from None


def _check_format(form: str) -> None:
    try:
        datetime.strptime("", form)  # noqa: DTZ007  (only the format is looked at)
    except ValueError as error:
        if "does not match" not in str(error):
            raise SettingsError(f"--times {form!r}: {error}; expected a format of strptime") from None


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError
    return value


def parse_actions(parts: Sequence[str]) -> dict[str, str]:
    """The actions of `--actions WORD=ACTION`, given several times; "" leaves the rows of a word out.

    >>> parse_actions(["clickout item=click", "sort="])
    {'clickout item': 'click', 'sort': ''}
    """
    found = {}
    for part in parts:
        word, equals, action = (piece.strip() for piece in part.rpartition("="))
        if not equals or not word or (action and not re.match(NAME_PATTERN, action)):
            raise SettingsError(
                f"--actions {part!r}: expected WORD=ACTION, as in 'clickout item=click', or WORD= to leave "
                "its rows out; an action is in lower case, without spaces"
            )
        found[word] = action
    return found
