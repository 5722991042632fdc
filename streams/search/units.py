"""Numbers with units in both scripts: titles of one shop say "10公斤", "10kg" and "10 kg"."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

_CHINESE = {
    "kg": ("公斤", "千克"),
    "g": ("克",),
    "mg": ("毫克",),
    "ml": ("毫升",),
    "l": ("升",),
    "km": ("公里", "千米"),
    "m": ("米",),
    "cm": ("厘米", "公分"),
    "mm": ("毫米",),
    "w": ("瓦",),
    "mah": ("毫安",),
    "inch": ("英寸",),
}
_SIGN = {word: sign for sign, words in _CHINESE.items() for word in (sign, *words)}
_number = re.compile(r"\d+")
_joined = re.compile(rf"(\d+)({'|'.join(_CHINESE)})")


def apart(terms: Sequence[str], known: Callable[[str], object]) -> list[str]:
    """The terms of a query. A number with a unit is both, with the unit as Chinese items have it, where any
    do; `also_written` gives back what it was.

    >>> apart(["10kg", "5ml"], {"10", "公斤", "5ml"}.__contains__)
    ['10', '公斤', '5ml']
    """
    found: list[str] = []
    for term in terms:
        parts = _joined.fullmatch(term)
        unit = parts and next((word for word in _CHINESE[parts[2]] if known(word)), None)
        found += [parts[1], unit] if parts and unit else [term]
    return found


def also_written(terms: Sequence[str]) -> dict[int, list[str]]:
    """How else a number and the unit behind it may stand in items, by their places among the terms.

    >>> also_written(["狗粮", "10", "公斤"])
    {1: ['10kg'], 2: ['10kg', 'kg', '千克']}
    """
    found: dict[int, list[str]] = {}
    for at in range(1, len(terms)):
        unit, number = terms[at], terms[at - 1]
        sign = _SIGN.get(unit)
        if sign is not None and _number.fullmatch(number):
            others = [word for word in (sign, *_CHINESE[sign]) if word != unit]
            found[at - 1] = [number + sign]
            found[at] = [number + sign, *others]
    return found
