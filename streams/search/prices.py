"""What a query says of prices: "under 50", "hasta 20 euros", "100元以下", "便宜".

Numbers are in the catalogue's own currency, whatever currency the query names: nothing is converted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from streams.search import price_words as words
from streams.search.chinese_numbers import Numeral, with_digits
from streams.search.scripts import UNSPACED, normalized, unspaced

_TIMES = {"k": 1e3, "千": 1e3, "천": 1e3, "万": 1e4, "萬": 1e4, "만": 1e4, "พัน": 1e3, "หมื่น": 1e4, "тыс": 1e3}
NEAR = 0.2
"""A sum "or so" is this part of it below and above."""
BARE_FROM = 100.0
"""From here on a number without a currency may be a sum "or so", or one of two that prices lie between."""
YEARS = (1900.0, 2100.0)
LONGEST_BEFORE = 40
"""Characters before a number in which the words stand that make a bound of it."""
MOST_SUMS = 16
"""Numbers of a query that are looked at, for the same reason."""
MOST_READ = 1_000
"""Characters of a query that are looked at for prices."""


class PriceWords(NamedTuple):
    """Bounds of the price, both included; leaning: -1 for what is cheap, 1 for what is dear, 0 for neither;
    rest: the query without what was understood.
    """

    low: float | None
    high: float | None
    leaning: int
    rest: str

    @property
    def bounded(self) -> bool:
        """Whether there is a bound."""
        return self.low is not None or self.high is not None


class _Sum(NamedTuple):
    """A number in a text that may be a price; money: whether a currency stands beside it."""

    value: float
    begin: int
    end: int
    money: bool


def price_words(text: str) -> PriceWords:
    """What is said of prices in a query.

    >>> price_words("guitar strap under 50")
    PriceWords(low=None, high=50.0, leaning=0, rest='guitar strap')
    >>> price_words("auriculares hasta 20 euros").high, price_words("100元以下的耳机").high
    (20.0, 100.0)
    >>> price_words("cable under 3 m").bounded, price_words("便宜的耳机")
    (False, PriceWords(low=None, high=None, leaning=-1, rest='耳机'))
    """
    if len(text) > MOST_READ:
        return PriceWords(None, None, 0, text)
    (read, numerals), low, high = with_digits(normalized(text)), None, None
    sums, cuts = _sums(read), list[tuple[int, int]]()
    for first, second in pairwise(sums):
        if (cut := _range(read, first, second)) is not None:
            low, high = first.value, second.value
            cuts.append(cut)
            break
    else:
        for each in sums:
            if low is high is None and (cut := _near(read, each)) is not None:
                low, high = _about(each)
                cuts.append(cut)
            elif high is None and (cut := _bound(read, each, _BELOW)) is not None:
                high = each.value
                cuts.append(cut)
            elif low is None and (cut := _bound(read, each, _ABOVE)) is not None:
                low = each.value
                cuts.append(cut)
            elif low is high is None and each.money and (linked := _OF.match(read, each.end)):
                low, high = _about(each)  # 500元的手机
                cuts.append((each.begin, linked.end()))
    rest = _rest(read, cuts, numerals)
    if low is not None and high is not None and low > high:
        return PriceWords(None, None, 0, text)
    leaning = 0
    if (found := _CHEAP.search(rest)) is not None:
        leaning, rest = -1, _without(rest, *found.span())
    elif (found := _DEAREST.search(rest)) is not None:
        leaning, rest = 1, _without(rest, *found.span())
    elif _DEAR.search(rest) is not None:
        leaning = 1  # such words stand in titles too: they stay
    if low is None and high is None and not leaning:
        return PriceWords(None, None, 0, text)
    return PriceWords(low, high, leaning, " ".join(rest.split()))


def number(written: str) -> float:
    """A number with points, commas or spaces as people write it: the last of them begins the decimals, unless
    three digits follow.

    >>> [number(text) for text in ("1.000,50", "1,000", "19.99", "1 500", "٥٠")]
    [1000.5, 1000.0, 19.99, 1500.0, 50.0]
    """
    digits = "".join(str(int(each)) if each.isdecimal() else each for each in written)
    whole, _, decimals = digits.replace("'", "").replace(" ", "").replace(",", ".").rpartition(".")
    if whole and len(decimals) != 3:
        return float(f"{whole.replace('.', '')}.{decimals}")
    return float(f"{whole}{decimals}".replace(".", ""))


def _sums(text: str) -> list[_Sum]:
    found = []
    for each in _NUMBER.finditer(text):
        before, after = _before(_COIN_BEFORE, text, each.start()), _COIN_AFTER.match(text, each.end())
        money = before is not None or after is not None
        if not money and (_NO_PRICE.match(text, each.end()) or _before(_MEASURED, text, each.start())):
            continue
        begin = each.start() if before is None else before.start()
        value = number(each["figure"]) * _TIMES.get(each["times"] or "", 1.0)
        found.append(_Sum(value, begin, each.end() if after is None else after.end(), money))
        if len(found) == MOST_SUMS:
            break
    return found


def _bound(text: str, each: _Sum, said: _Said) -> tuple[int, int] | None:
    """Where the text says that a sum is a bound, from its first word to its last."""
    before = _before(said.before, text, each.begin)
    if before is None and each.money:
        before = _before(said.before_money, text, each.begin)
    if before is None:
        before = _before(said.sign, text, each.begin)
    after = said.after.match(text, each.end)
    if after is None and each.money:
        after = said.after_money.match(text, each.end)
    if before is None and after is None:
        return None
    begin = each.begin if before is None else before.start()
    named = _before(_NAMED, text, begin)
    return (begin if named is None else named.start()), _end_of(
        text, each.end if after is None else after.end()
    )


def _range(text: str, first: _Sum, second: _Sum) -> tuple[int, int] | None:
    """Where the text says that a price lies between two sums."""
    if first.value > second.value or not _AND_TO.fullmatch(text[first.end : second.begin]):
        return None
    before = _before(_BETWEEN, text, first.begin)
    if before is None and not (first.money or second.money or _bare_range(text, first, second)):
        return None
    begin = first.begin if before is None else before.start()
    named = _before(_NAMED, text, begin)
    after = _AROUND.match(text, second.end) or _BELOW.after.match(text, second.end)
    return (begin if named is None else named.start()), _end_of(text, after.end() if after else second.end)


def _bare_range(text: str, first: _Sum, second: _Sum) -> bool:
    """Whether two numbers without a currency are sums: 1000到2000, or 1000-2000的."""
    if first.value < BARE_FROM or (YEARS[0] <= first.value and second.value <= YEARS[1]):
        return False
    to = _TO_A_SUM.fullmatch(text[first.end : second.begin])
    return to is not None or _OF.match(text, second.end) is not None


def _about(each: _Sum) -> tuple[float, float]:
    return each.value * (1.0 - NEAR), each.value * (1.0 + NEAR)


def _near(text: str, each: _Sum) -> tuple[int, int] | None:
    """Where the text says that a price is about a sum: 500元左右, 大概500的."""
    money = each.money or each.value >= BARE_FROM
    after = _AROUND.match(text, each.end) if money else None
    told = each.money or (money and _OF.match(text, each.end) is not None)
    before = _before(_ABOUT, text, each.begin) if told else None
    if before is None and after is None:
        return None
    begin = each.begin if before is None else before.start()
    named = _before(_NAMED, text, begin)
    return (begin if named is None else named.start()), _end_of(text, after.end() if after else each.end)


def _before(words: re.Pattern[str], text: str, end: int) -> re.Match[str] | None:
    """What stands right before a place. Looked for nearby alone: a text of numbers has as many places."""
    return words.search(text, max(end - LONGEST_BEFORE, 0), end)


def _end_of(text: str, end: int) -> int:
    """Where a bound ends that is linked to what follows it."""
    linked = _OF.match(text, end)
    return end if linked is None else linked.end()


def _rest(text: str, cuts: Sequence[tuple[int, int]], numerals: Sequence[Numeral]) -> str:
    """The text without what the cuts take out; numerals elsewhere are as they were written."""
    for cut in reversed(cuts):
        text = _without(text, *cut)
        short = 1 - (cut[1] - cut[0])
        numerals = [
            each if each.end <= cut[0] else each._replace(begin=each.begin + short, end=each.end + short)
            for each in numerals
            if each.end <= cut[0] or each.begin >= cut[1]
        ]
    for each in reversed(numerals):
        text = f"{text[: each.begin]}{each.written}{text[each.end :]}"
    return text


def _without(text: str, begin: int, end: int) -> str:
    return f"{text[:begin]} {text[end:]}"


def _any(several: Sequence[str]) -> str:
    """One of these, as a word of its own where its script has spaces; the longest is taken. What
    stands before a word is looked at once for all of them: no two of different scripts begin at one place.
    """
    by_begin: dict[str, list[str]] = {}
    for word in sorted(map(normalized, several), key=len, reverse=True):
        begins = r"(?<![^\W\d_])" if word[0].isalpha() and not unspaced(word) else ""
        ends = rf"(?![^\W_{UNSPACED}])" if word[-1].isalpha() and not unspaced(word) else ""
        by_begin.setdefault(begins, []).append(re.escape(word).replace(r"\ ", r"\s+") + ends)
    ways = [f"{begins}(?:{'|'.join(these)})" for begins, these in by_begin.items()]
    return f"(?:{'|'.join(ways) or '(?!)'})"


class _Said(NamedTuple):
    before: re.Pattern[str]
    before_money: re.Pattern[str]
    sign: re.Pattern[str]
    after: re.Pattern[str]
    after_money: re.Pattern[str]


def _said(
    before: Sequence[str], before_money: Sequence[str], after: Sequence[str], after_money: Sequence[str] = ()
) -> _Said:
    signs = [word for word in before_money if not word[0].isalpha()]
    ends = r"\s*$"
    return _Said(
        re.compile(_any(before) + ends),
        re.compile(_any(before_money) + ends),
        re.compile(_any(signs) + ends),
        re.compile(rf"\s*{_any(after)}(?!{_any(words.RECKONED)})"),
        re.compile(r"\s*" + _any(after_money)),
    )


_BELOW = _said(words.BELOW_BEFORE, words.BELOW_BEFORE_MONEY, words.BELOW_AFTER, words.BELOW_AFTER_MONEY)
_ABOVE = _said(words.ABOVE_BEFORE, words.ABOVE_BEFORE_MONEY, words.ABOVE_AFTER)
_COIN = _any(words.CURRENCIES)
_COIN_BEFORE, _COIN_AFTER = re.compile(_COIN + r"\s*$"), re.compile(r"\s*" + _COIN)
_NUMBER = re.compile(
    rf"(?<![^\W{UNSPACED}])(?<![.,])"
    r"(?P<figure>\d{1,3}(?:[.,' ]\d{3})+(?:[.,]\d{1,2})?(?!\d)|\d{1,12}(?:[.,]\d{1,2})?(?!\d))"
    rf"(?:\s?(?P<times>{'|'.join(map(normalized, _TIMES))})(?![a-z]))?"
)
_NO_PRICE = re.compile(
    rf"\s*(?:[x×%\"”″'/]|(?!{_any(words.NO_UNITS)}){_any(words.UNITS)})|[^\W_{UNSPACED}]|[.,]\d"
)
_MEASURED = re.compile(_any(words.MEASURES) + r"\s*$")
_BETWEEN = re.compile(_any(words.BETWEEN) + r"\s*$")
_AND_TO = re.compile(r"\s*" + _any(words.AND_TO) + r"\s*")
_CHEAP = re.compile(_any(words.CHEAP))
_DEAREST = re.compile(_any(words.DEAREST))
_TO_A_SUM = re.compile(r"\s*" + _any(words.TO_A_SUM) + r"\s*")
_DEAR = re.compile(_any(words.DEAR))
_AROUND = re.compile(r"\s*" + _any(words.AROUND_AFTER))
_ABOUT = re.compile(_any(words.AROUND_BEFORE) + r"\s*$")
_NAMED = re.compile(_any(words.PRICE_NAMES) + r"\s*$")
_OF = re.compile(r"\s*(?:(?:之间|之間)?的|之间|之間|の|짜리|대의)")
