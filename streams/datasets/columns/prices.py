"""Prices as shops write them: currencies before or behind, either decimal mark, ranges, free things.

"1,299" and "1.299" alone do not say whether their mark separates thousands. The column's other prices do;
otherwise a comma separates them and a point does not.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from streams.datasets.columns.cell_rules import AUTO, CellRules
from streams.datasets.columns.cells import is_absent, plain_value, shown

HIGHEST = 1e12
FREE = frozenset(("free", "gratis", "kostenlos", "gratuit", "gratuito"))
_FREE_TO = re.compile(r"free(?:[ -]to[ -](?:play|use)| demo| mod)?|play for free!?", re.IGNORECASE)
# Words that may stand beside an amount.
_CURRENCIES = """
    us rs kr zł kč ft лв руб р tl dh rm rp lei din euro euros dollar dollars pound pounds yen won
    usd eur gbp jpy cny rmb inr chf cad aud nzd sek nok dkk isk pln czk huf ron bgn rub uah try brl mxn ars
    clp cop pen krw twd hkd sgd myr idr thb php vnd pkr bdt lkr ils aed sar qar egp zar ngn kes mad
"""
_CURRENCY_WORDS = frozenset(_CURRENCIES.split())
# Letters before a dollar sign, as in A$ and R$, and Peru's S/.
_PREFIXES = frozenset(("a", "c", "ca", "hk", "nz", "au", "nt", "r", "s"))
_AROUND = "from ab only price now each ea approx ca starting at as low incl vat"
_BESIDE = frozenset(_AROUND.split()) | _PREFIXES
_SYMBOLS = "$€£¥₹₽₩₺₪₫₴₦₱฿₡₲₵₸₼₾﷼￥＄￡円元원圆"
_NUMBER = re.compile(
    r"\d{1,3}(?:[\s\u00a0\u202f\u2009'’_]\d{3})+(?:[.,]\d{1,2})?(?![\d.,])|\d[\d.,٫٬]*\d|\d|(?<![\w.,])[.,]\d+"
)
_SPACES = re.compile(r"[\s\u00a0\u202f\u2009'’_]")
_RANGE = re.compile(r"\s*(?:[-–—~]|\bto\b|\bbis\b|\bà\b)\s*", re.IGNORECASE)
_NO_CENTS = re.compile(r"[.,]\s*[-–—]+")


class Prices(NamedTuple):
    """`values`: None for no price; `notes`: what the reader assumed, and how many prices it can't read."""

    values: list[float | None]
    notes: tuple[str, ...]


class Amount(NamedTuple):
    """A number as written, with its currency ("" for none). `of`: 100 for cents."""

    digits: str
    currency: str
    of: float = 1.0
    ranged: bool = False


def read_prices(cells: Sequence[Any], reading: CellRules = AUTO) -> Prices:
    """Read a column of prices.

    >>> read_prices(["$1,299.00", "12,99 €", "Free", "$12.99 - $24.99", 5]).values
    [1299.0, 12.99, 0.0, 12.99, 5.0]
    """
    cells = [plain_value(cell) for cell in cells]
    amounts = [_amount(cell) if isinstance(cell, str) else None for cell in cells]
    marks = Counter(filter(None, (_evidence(amount.digits) for amount in amounts if amount)))
    comma = reading.decimal == "comma" or (reading.decimal == "auto" and marks[","] > marks["."])
    values = [_value(cell, amount, comma) for cell, amount in zip(cells, amounts, strict=True)]
    asked = [cell for cell, value in zip(cells, values, strict=True) if value is None and not is_absent(cell)]
    known = [amount for amount in amounts if amount is not None]
    notes = []
    if asked:
        notes.append(
            f"{len(asked)} of {len(cells)} prices can't be read, such as {shown(asked[0])}: left out"
        )
    if ranged := sum(amount.ranged for amount in known):
        notes.append(f"{ranged} prices are ranges: the lower end is taken")
    doubted = [amount for amount in known if _in_doubt(amount.digits)]
    if doubted and reading.decimal == "auto" and len(marks) != 1:
        example, other = doubted[0].digits.strip(), "point" if comma else "comma"
        read = _number(example, comma)
        notes.append(
            f"{len(doubted)} prices leave their decimal mark in doubt, as {example!r}: read as {read:g} "
            f"(--decimal {other} reads it otherwise)"
        )
    currencies = Counter(amount.currency for amount in known if amount.currency)
    if len(currencies) > 1:
        named = ", ".join(f"{name} ({count})" for name, count in currencies.most_common(5))
        notes.append(f"prices are in several currencies, and are not converted: {named}")
    return Prices(values, tuple(notes))


def _value(cell: Any, amount: Amount | None, comma: bool) -> float | None:
    if isinstance(cell, bool) or not isinstance(cell, str | int | float | Decimal):
        return None
    if isinstance(cell, str):
        if cell.strip().lower() in FREE or _FREE_TO.fullmatch(cell.strip()):
            return 0.0
        if amount is None:
            return None
    try:
        value = float(cell) if amount is None else _number(amount.digits, comma) / amount.of
    except (ValueError, OverflowError):
        return None
    return value if 0 <= value < HIGHEST else None


def _amount(cell: str) -> Amount | None:
    """The first or only number of a text that is a price; None for another text."""
    text = _NO_CENTS.sub("", cell.strip().removesuffix("/-").removesuffix("+").strip())
    if text[:1] in "-−(" and text:
        return None
    first, *rest = _RANGE.split(text)
    found = _plain_amount(first)
    if found is None or not rest:
        return found
    last = _plain_amount(rest[0]) if len(rest) == 1 else None
    return None if last is None else found._replace(ranged=True, currency=found.currency or last.currency)


def _plain_amount(text: str) -> Amount | None:
    try:
        float(text)
    except ValueError:
        pass
    else:
        return Amount(text, "") if any(map(str.isdigit, text)) and "e" not in text.lower() else None
    numbers = list(_NUMBER.finditer(text))
    if len(numbers) != 1:
        return None
    around = text[: numbers[0].start()] + " " + text[numbers[0].end() :]
    currency, of = "", 1.0
    for symbol in _SYMBOLS:
        if symbol in around:
            currency, around = symbol, around.replace(symbol, " ")
    if "¢" in around:
        of, around = 100.0, around.replace("¢", " ")
    for word in around.replace(":", " ").replace("/", " ").split():
        plain = word.lower().strip(".,")
        if plain in ("cent", "cents"):
            of = 100.0
        elif plain in _CURRENCY_WORDS:
            currency = currency or plain.upper()
        elif plain and plain not in _BESIDE:
            return None
    return Amount(numbers[0][0], currency, of)


def _number(digits: str, comma: bool) -> float:
    """The number of digits with marks between them; `comma`: in doubt, the decimal mark is a comma."""
    text = _SPACES.sub("", digits).replace("٫", ".").replace("٬", ",")
    mark = _certain_mark(text) if not _in_doubt(text) else ("," if comma else ".")
    thousands = {",": ".", ".": ","}.get(mark or "", ".,")
    for other in thousands:
        text = text.replace(other, "")
    return float(text.replace(",", "."))


def _certain_mark(digits: str) -> str | None:
    """The decimal mark of a number, if it is certain; None if there is none, or it is in doubt."""
    text = _SPACES.sub("", digits)
    marks = [char for char in text if char in ".,"]
    if not marks or _in_doubt(text):
        return None
    if len(set(marks)) == 2:
        return marks[-1]
    return marks[0] if len(marks) == 1 else None


def _evidence(digits: str) -> str | None:
    """The decimal mark that a number's writer uses: a mark that occurs twice is not it."""
    text = _SPACES.sub("", digits)
    twice = next((mark for mark in ".," if text.count(mark) > 1 and len({*text} & {*".,"}) == 1), None)
    return _certain_mark(text) if twice is None else {".": ",", ",": "."}[twice]


def _in_doubt(digits: str) -> bool:
    """Whether a lone mark may separate thousands: three digits behind, one to three before, as in 1,299."""
    return re.fullmatch(r"[1-9]\d{0,2}[.,]\d{3}", _SPACES.sub("", digits)) is not None
