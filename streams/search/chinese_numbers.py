"""Numbers as Chinese says them, in digits: 一百二十元, 三百以下, 两三千, 九块九, 2千5, 一百多."""

from __future__ import annotations

import re
from typing import NamedTuple

_DIGITS = {"〇": 0, "零": 0, "一": 1, "二": 2, "两": 2, "兩": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7}
_DIGITS |= {"八": 8, "九": 9, "壹": 1, "贰": 2, "貳": 2, "叁": 3, "參": 3, "肆": 4, "伍": 5, "陆": 6, "陸": 6}
_DIGITS |= {"柒": 7, "捌": 8, "玖": 9} | {str(digit): digit for digit in range(10)}
_UNITS = {"十": 10, "百": 100, "千": 1_000, "拾": 10, "佰": 100, "仟": 1_000}
_MYRIAD = "万萬"
_ONES = "".join(sign for sign in _DIGITS if not sign.isascii())
_TENS = f"{''.join(_UNITS)}{_MYRIAD}"
_NUMERAL = f"[{_ONES}{_TENS}]{{1,12}}"
_COIN = "[元块塊圆圓円]"
_BOUND = "以下|以内|之内|以內|之內|以上|左右|上下|出[头頭]|[到至~起多内內-]"
_ways = re.compile(
    rf"(?<![\d{_ONES}{_TENS}])(?<!\d[.,])(?:"
    rf"(?P<low>[{_ONES}])(?P<high>[{_ONES}])(?P<of>[{_TENS}]{{1,3}})(?![\d{_ONES}{_TENS}])"
    rf"|(?P<more>{_NUMERAL}|\d{{2,8}})(?:[多几幾](?=\s*{_COIN}|[的\s]|$)|\s*{_COIN}?出[头頭])"
    rf"|(?P<coins>{_NUMERAL}|\d{{1,6}})[块塊](?P<dimes>[{_ONES}\d])(?![\d{_ONES}{_TENS}])"
    rf"|(?P<mixed>\d{{1,4}}[{_TENS}]\d(?:[{_TENS}]\d?)*)(?![.\d])"
    rf"|(?P<about>[百千万萬])(?=元(?!{_BOUND}|\s*$))"
    rf"|(?P<numeral>{_NUMERAL})(?P<money>(?=\s*{_COIN}|[到至~-](?:{_NUMERAL}|\d+)\s*{_COIN}))?)"
)
MOST = 32
"""Numerals of a query that are read; a query says one price, or two."""
LEAST = 10
"""A smaller numeral is a sum only where a currency follows: 三件套."""


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
    """The text with digits for its numerals. Whoever finds that one is no price writes it back.

    >>> with_digits("一百二十元以下").text, with_digits("三件套").text, with_digits("三百以下").numerals
    ('120元以下', '三件套', [Numeral(begin=0, end=3, written='三百')])
    >>> [with_digits(text).text for text in ("两三千元", "千元手机", "200多块", "九块九", "2千5以内")]
    ['2000到3000元', '1000到2000元手机', '200到300块', '9.9元', '2500以内']
    """
    if text.isascii():
        return Digits(text, [])
    made, numerals, at = "", list[Numeral](), 0
    for found in _ways.finditer(text):
        digits, end = _digits(found)
        if digits:
            made += text[at : found.start()]
            numerals.append(Numeral(len(made), len(made) + len(digits), text[found.start() : end]))
            made, at = made + digits, end
            if len(numerals) == MOST:
                break
    return Digits(made + text[at:], numerals)


def _digits(found: re.Match[str]) -> tuple[str, int]:
    """What stands for a numeral, "" where it stays, and where the numeral ends."""
    said = found.groupdict()
    if said["of"]:
        low, high = (number_of(said[name] + said["of"]) for name in ("low", "high"))
        return (f"{low}到{high}" if low < high else ""), found.end()
    if said["more"]:
        low = number_of(said["more"])
        return (f"{low}到{low + _last_unit(low)}" if low >= LEAST else ""), found.end()
    if said["coins"]:
        return f"{number_of(said['coins'])}.{_DIGITS[said['dimes']]}元", found.end()
    if said["mixed"]:
        return str(number_of(said["mixed"])), found.end()
    if said["about"]:
        low = number_of(said["about"])
        return f"{low}到{2 * low}", found.end()
    numeral, number = said["numeral"], number_of(said["numeral"])
    tells = number >= LEAST and (len(numeral) > 2 or not set(numeral) <= set(_ONES))  # 一两以上 is a weight
    return (str(number) if tells or said["money"] is not None else ""), found.end("numeral")


def _last_unit(number: int) -> int:
    """The last power of ten that a number is made of: what "and more" leaves open.

    >>> _last_unit(200), _last_unit(1500)
    (100, 100)
    """
    digits = str(number)
    return int(10 ** (len(digits) - len(digits.rstrip("0"))))


def number_of(numerals: str) -> int:
    """What Chinese numerals say. A last digit right behind a unit is of the unit below: 两千五 is 2,500, and
    2,005 is 两千零五.

    >>> [number_of(each) for each in ("十五", "两百", "一千零五", "三万二千", "一二三", "两千五", "1千5")]
    [15, 200, 1005, 32000, 123, 2500, 1500]
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
