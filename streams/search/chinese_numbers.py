"""Sums of money in Chinese numerals as digits: 一百二十元, 两千块, 千元."""

from __future__ import annotations

import re
from typing import NamedTuple

_DIGITS = {"〇": 0, "零": 0, "一": 1, "二": 2, "两": 2, "兩": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7}
_DIGITS |= {"八": 8, "九": 9}
_UNITS = {"十": 10, "百": 100, "千": 1_000}
_MYRIAD = "万萬"
_NUMERAL = f"[{''.join(_DIGITS)}{''.join(_UNITS)}{_MYRIAD}]{{1,12}}"
_COIN = r"\s*[元块塊圆圓]"
_sum = re.compile(rf"(?<!\d){_NUMERAL}(?={_COIN}|[到至~-](?:{_NUMERAL}|\d+){_COIN})")


class Numeral(NamedTuple):
    """Digits in a text, from `begin` to `end`, that were `written` in other signs."""

    begin: int
    end: int
    written: str


class Digits(NamedTuple):
    """`numerals`: those of the text that stood for something else, in its order."""

    text: str
    numerals: list[Numeral]


def with_digits(text: str) -> Digits:
    """The text with digits for numerals that a currency follows; other numerals are words.

    >>> with_digits("一百二十元以下").text, with_digits("三件套").text, with_digits("千元手机")
    ('120元以下', '三件套', Digits(text='1000元手机', numerals=[Numeral(begin=0, end=4, written='千')]))
    """
    made, numerals, at = "", list[Numeral](), 0
    for found in _sum.finditer(text):
        made += text[at : found.start()]
        digits, at = str(number_of(found[0])), found.end()
        numerals.append(Numeral(len(made), len(made) + len(digits), found[0]))
        made += digits
    return Digits(made + text[at:], numerals)


def number_of(numerals: str) -> int:
    """What Chinese numerals say. A last digit right behind a unit is of the unit below: 两千五 is 2,500, and
    2,005 is 两千零五.

    >>> [number_of(each) for each in ("十五", "两百", "一千零五", "三万二千", "一二三", "两千五")]
    [15, 200, 1005, 32000, 123, 2500]
    """
    whole, part, last, below = 0, 0, 0, 1
    for sign in numerals:
        if sign in _DIGITS:
            digit = _DIGITS[sign]
            if last or not digit:
                below = 1
            last = 10 * last + digit
        elif sign in _UNITS:
            part, last, below = part + _UNITS[sign] * (last or 1), 0, _UNITS[sign] // 10
        else:
            whole, part, last, below = (whole + part + last * below) * 10_000 or 10_000, 0, 0, 1_000
    return whole + part + last * below
