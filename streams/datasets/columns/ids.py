"""Cells to ids: one id is one text, however a file writes it."""

from __future__ import annotations

import ast
import re
import uuid
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from model.surrogates import made_whole
from streams.datasets.columns.cell_rules import Ids
from streams.datasets.columns.cells import ID_MAX, plain_value

# Characters beside spaces that editors and spreadsheets leave around a text.
_INVISIBLE = "\ufeff\u200b\u2060"
_WHOLE = re.compile(r"(-?\d+)\.0*")
_BYTES = re.compile(r"""b(['"]).*\1""", re.DOTALL)
_UUID = re.compile(r"\{?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\}?", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_POWER = re.compile(r"(\d)(?:[.,](\d+))?e\+(\d\d\d?)", re.IGNORECASE)
_FORMULA = re.compile(r'="([^"]*)"')  # how spreadsheets write a text that must stay a text
_OBJECT = re.compile(r"""ObjectId\((["']?)([0-9a-f]{24})\1\)""", re.IGNORECASE)
_EXACT_FLOATS = 2**53


def as_id(cell: Any, how: Ids = "auto") -> str:
    """An id as text, "" for none. A whole float becomes its integer.

    >>> [as_id(guise) for guise in (103, 103.0, "103", b"103", " 103 ", "b'103'", "103.0")]
    ['103', '103', '103', '103', '103', '103', '103']
    >>> as_id("007"), as_id("007", "numeric"), as_id(None), as_id('="007"'), as_id("1e+05")
    ('007', '7', '', '007', '100000')
    """
    cell = plain_value(cell)
    if isinstance(cell, bytes):
        cell = _of_bytes(cell)
    if isinstance(cell, str):
        return _of_text(cell, how)
    if cell is None or isinstance(cell, bool | list | tuple | dict):
        return ""
    if isinstance(cell, float | Decimal):
        if cell != cell or cell in (float("inf"), -float("inf")):
            return ""
        return str(int(cell)) if cell == int(cell) else str(cell)
    return str(cell)


def id_flaw(field: str, value: str) -> str | None:
    """Why the reader can't use an id, or None."""
    if not value:
        return f"no {field}"
    if len(value) > ID_MAX:
        return f"{field} has {len(value)} characters, at most {ID_MAX} are accepted"
    return None


def is_rounded(cell: Any) -> bool:
    """Whether an id may have lost digits: a float beyond 2**53, or 1.23457E+12 as spreadsheets write it."""
    if isinstance(cell, float):
        return abs(cell) >= _EXACT_FLOATS
    match = _POWER.fullmatch(cell.strip()) if isinstance(cell, str) else None
    return match is not None and _of_power(match) is None


def zeros_note(what: str, ids: Iterable[str]) -> str:
    """A note on ids that occur with and without leading zeros; "" if there is none."""
    known = set(ids)
    both = sorted(name for name in known if name[:1] == "0" and _without_zeros(name) in known - {name})
    if not both:
        return ""
    return (
        f"{len(both)} {what} occur with and without leading zeros, as {both[0]!r} and "
        f"{_without_zeros(both[0])!r}: taken for different ones (--ids numeric makes them one)"
    )


def _of_text(text: str, how: Ids) -> str:
    text = made_whole(text).strip().strip(_INVISIBLE).strip()
    if how == "exact":
        return text
    if _BYTES.fullmatch(text):
        try:
            text = _of_bytes(ast.literal_eval(text)).strip()
        except (ValueError, SyntaxError):
            return text
    if match := _FORMULA.fullmatch(text):
        text = match[1].strip()
    if match := _WHOLE.fullmatch(text):
        text = match[1]
    elif match := _POWER.fullmatch(text):
        text = _of_power(match) or text
    elif match := _OBJECT.fullmatch(text):
        text = match[2]
    elif match := _UUID.fullmatch(text):
        text = match[1].lower()
    return _without_zeros(text) if how == "numeric" else text


def _of_power(match: re.Match[str]) -> str | None:
    """The integer of 1.030000000000000000e+02 (NumPy) and 1e+05 (R); None if digits may be lost, as in
    1.23457E+12 and 1E+05 (spreadsheets).
    """
    whole, fraction, power = match[1], match[2] or "", int(match[3])
    if power > ID_MAX or (len(fraction) < power and (fraction or "E" in match[0])):
        return None
    if fraction[power:].strip("0"):
        return None
    return str(int(whole + fraction[:power].ljust(power, "0")))


def _of_bytes(raw: bytes) -> str:
    """The bytes as text if they are text, as a UUID if they have its length, else as hexadecimal digits."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = "\0"
    if not _CONTROL.search(text):
        return text
    return str(uuid.UUID(bytes=raw)) if len(raw) == 16 else raw.hex()


def _without_zeros(text: str) -> str:
    return text.lstrip("0") or "0" if text.isascii() and text.isdecimal() else text
