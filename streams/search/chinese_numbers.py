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
    """What Chinese numerals say.

    >>> [number_of(each) for each in ("十五", "两百", "一千零五", "三万二千", "一二三")]
    [15, 200, 1005, 32000, 123]
    """
    whole, part, last = 0, 0, None
    for sign in numerals:
        if sign in _DIGITS:
            last = _DIGITS[sign] if last is None or not last else 10 * last + _DIGITS[sign]
        elif sign in _UNITS:
            part += _UNITS[sign] * (last or 1)
            last = None
        else:
            whole, part, last = (whole + part + (last or 0)) * 10_000 or 10_000, 0, None
    return whole + part + (last or 0)
