"""One event's JSON to its struct: strict, within a size, and an `EventError` that says what to do.

Three things that msgspec does not do by itself are done here: a field that is null is a field left out, a
whole number may be written as 5.0, and a name that stands twice in an object is refused.
"""

from __future__ import annotations

import json
import re
from typing import Any, Generic, TypeVar

import msgspec

from model.errors import EventError
from streams.events.refused_value import read_with_value

E = TypeVar("E")
Fields = dict[str, msgspec.Raw]

# Nested too deep, or text that is not UTF-8: msgspec leaves these two as Python's own.
UNREADABLE = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)

_fields_decoder = msgspec.json.Decoder(Fields)
_list_decoder = msgspec.json.Decoder(list[msgspec.Raw])

# An escape and what it stands for, by its size in UTF-8: 1, 2, half of a surrogate pair (2), 3, 1.
_ESCAPE = re.compile(rb"\\(?:(u00[0-7].)|(u0[0-7]..)|(u[dD][89a-fA-F]..)|(u....)|(.))", re.DOTALL)
_SPARED = (0, 5, 4, 4, 3, 1)
_LONE = re.compile(
    rb"(?<!\\)(?:\\\\)*(\\u[dD](?:[89abAB]..(?!\\u[dD][c-fC-F])|[c-fC-F]..(?<!\\u[dD][89abAB]..\\u....)))"
)
_BYTE_ORDER_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_SPACED = re.compile(rb'"[ \t\r\n]+:')
_NOT_A_NUMBER = re.compile(rb"[:,\[]\s*-?(NaN|Infinity)")
_WHOLE = re.compile(rb"-?\d{1,19}(?:\.\d{1,19})?(?:[eE]\+?\d{1,2})?")


class EventReader(Generic[E]):
    """Reads events of `kinds`, a struct or a tagged union of structs, up to `version`."""

    def __init__(self, kinds: Any, version: int) -> None:
        self._decoder: msgspec.json.Decoder[E] = msgspec.json.Decoder(kinds)
        self._version = version

    def read(self, raw: bytes, max_bytes: int) -> E:
        """One event; raises `EventError` with the reason too_large, not_json, invalid or unknown_version."""
        if len(raw) > max_bytes and (size := unescaped_size(raw)) > max_bytes:
            raise EventError("too_large", f"event has {size} bytes; at most {max_bytes} are accepted")
        try:
            if not raw.isascii():
                raw.decode()  # msgspec does not look into the texts of unknown fields
            event = self._decoder.decode(raw)
            names = len(_fields_decoder.decode(raw))
        except msgspec.ValidationError as error:
            event = self._forgiving(raw, error)
            names = -1
        except UNREADABLE as error:
            raise EventError("not_json", explained(raw, error)) from None
        if names != raw.count(b":") and (names != raw.count(b'":') or _SPACED.search(raw)):
            refuse_repeated_names(raw)  # or there is an object in it, or a text with a quote and a colon
        return event

    def _forgiving(self, raw: bytes, error: msgspec.ValidationError) -> E:
        """Read it without the fields that are null, and with 5.0 as 5."""
        try:
            fields = {name: _plain(value) for name, value in _fields_decoder.decode(raw).items()}
            fields = {name: value for name, value in fields.items() if value != b"null"}
            if "profile" in fields:
                fields["profile"] = _without_nulls(fields["profile"])
            if "teams" in fields:
                fields["teams"] = _each_plain(fields["teams"])
        except msgspec.ValidationError:  # it is no object
            raise EventError("invalid", str(error)) from None
        except UNREADABLE as unreadable:
            raise EventError("not_json", explained(raw, unreadable)) from None
        version = _whole(fields.get("v", b""))
        if version is not None and version > self._version:
            raise EventError(
                "unknown_version", f"event version {version}; this build reads up to {self._version}"
            )
        try:
            return self._decoder.decode(msgspec.json.encode({n: msgspec.Raw(v) for n, v in fields.items()}))
        except msgspec.ValidationError as still:
            told = str(still)
            at_ts = told.endswith("`$.ts`")
            told = read_with_value(told, raw)
            if at_ts:
                told += f"; {TS_RULE}{unit_hint(_number(fields.get('ts', b'')))}"
            raise EventError("invalid", told) from None
        except UNREADABLE as unreadable:
            raise EventError("not_json", explained(raw, unreadable)) from None


TS_RULE = "ts is a whole number, the milliseconds since the epoch (UTC), like 1763934000123"


def unit_hint(ts: float) -> str:
    """What to say of a time that is in another unit than milliseconds; "" where it does not look like it.

    >>> unit_hint(1763934000)
    '; 1763934000 looks like seconds: send milliseconds, 1763934000000'
    >>> unit_hint(1763934000123)
    ''
    """
    for unit, least, most, factor in _UNITS:
        if least <= ts < most:
            return f"; {ts:.0f} looks like {unit}: send milliseconds, {ts * factor:.0f}"
    return ""


# Each from 1973 on: what would be an earlier time in one unit is a later one in the unit before.
_UNITS = (
    ("seconds", 1e8, 1e11, 1e3),
    ("microseconds", 1e14, 1e17, 1e-3),
    ("nanoseconds", 1e17, 1e20, 1e-6),
)


def unescaped_size(raw: bytes) -> int:
    r"""The bytes of JSON with each escape counted as the UTF-8 of the character it stands for.

    >>> unescaped_size(b'"\\u4e2d\\ud83d\\ude00\\n\\u00e9"') == len('"中😀né"'.encode())
    True
    """
    return len(raw) - sum(_SPARED[escape.lastindex or 0] for escape in _ESCAPE.finditer(raw))


def _plain(value: msgspec.Raw) -> bytes:
    """The value as it was written; a whole number without its fraction."""
    raw = bytes(value)
    if not raw[-1:].isdigit() or raw.lstrip(b"-").isdigit():
        return raw
    whole = _whole(raw)
    return raw if whole is None else b"%d" % whole


def _whole(raw: bytes) -> int | None:
    """A whole number in any JSON notation, else None."""
    number = _number(raw)
    return int(number) if number.is_integer() else None


def _number(raw: bytes) -> float:
    """A number of usual length; NaN for anything else."""
    return float(raw) if _WHOLE.fullmatch(raw) else float("nan")


def _without_nulls(value: bytes) -> bytes:
    try:
        pairs = _fields_decoder.decode(value)
    except msgspec.ValidationError:
        return value  # it is no object: its own error follows
    return msgspec.json.encode({name: each for name, each in pairs.items() if bytes(each) != b"null"})


def _each_plain(value: bytes) -> bytes:
    try:
        numbers = _list_decoder.decode(value)
    except msgspec.ValidationError:
        return value  # it is no list: its own error follows
    return b"[" + b",".join(map(_plain, numbers)) + b"]"


class _RepeatedError(ValueError):
    """Raised inside the JSON reader; its text is the name."""


def _once(pairs: list[tuple[str, object]]) -> None:
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            raise _RepeatedError(name)
        seen.add(name)


_names_decoder = json.JSONDecoder(
    object_pairs_hook=_once, parse_int=float, parse_float=float, parse_constant=float, strict=False
)


def refuse_repeated_names(raw: bytes) -> None:
    """Raises `EventError` for a name that stands twice in an object: readers differ in which value they take,
    so neither is taken.
    """
    try:
        _names_decoder.decode(raw.decode())
    except _RepeatedError as repeated:
        name = str(repeated)[:64]
        raise EventError("invalid", f"the name `{name}` stands twice in an object; send it once") from None
    except RecursionError as error:
        raise EventError("not_json", explained(raw, error)) from None


def explained(raw: bytes, error: Exception) -> str:
    """What is wrong with the JSON, in words that lead to the mistake."""
    if raw.startswith(_BYTE_ORDER_MARKS):
        return "it begins with a byte order mark; send JSON in UTF-8 without one"
    if isinstance(error, RecursionError):
        return "it is nested too deep; an event is an object of numbers, texts and lists of them"
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.start} is not UTF-8 ({error.reason}); send JSON in UTF-8"
    if lone := _LONE.search(raw):
        escape = lone[1].decode(errors="replace")
        return (
            f"{escape} at byte {lone.start(1)} is half a character (a lone surrogate);"
            " cut texts between characters"
        )
    if not raw.strip():
        return "there is nothing where an event should be"
    if found := _NOT_A_NUMBER.search(raw):
        return f"{error}; JSON has no {found[1].decode()}: send null, or leave the field out"
    return str(error)
