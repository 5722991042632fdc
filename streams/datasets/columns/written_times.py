"""Dates and times as people and programs write them, cell by cell; an ambiguous order stays open.

`03/02/2014` does not say which number is the day: `OpenDate.first` and `second` keep them in their order, and
the column decides (see `streams.datasets.columns.times`).
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

DAY_MS = 86_400_000
_EPOCH = date(1970, 1, 1).toordinal()
_NAMES = """
    jan january, feb february, mar march, apr april, may, jun june, jul july, aug august, sep sept september,
    oct october, nov november, dec december
"""
_MONTHS = {name: number for number, names in enumerate(_NAMES.split(","), 1) for name in names.split()}
_MONTH = r"(?P<mon>" + "|".join(sorted(_MONTHS, key=len, reverse=True)) + r")\.?"
_WEEKDAY = r"(?:(?P<wd>mon|tues?|wed|wednes|thur?s?|fri|satur|sat|sun)(?P<wday>day)?\.?,?\s+)?"
_TIME = (
    # Points separate hours and minutes (Oracle) only if more follows: 3.29 alone may be a number.
    r"(?P<h>\d{1,2})(?:(?::|(?=\.\d\d(?:\.\d|\s*[ap]\.?m\b))(?P<dot>\.))(?P<mi>\d{2})"
    r"(?:(?(dot)\.|:)(?P<s>\d{2})(?:[.,:](?P<f>\d{1,9}))?)?"
    r"(?:\s*(?P<p>[ap])\.?m\b\.?)?|\s*(?P<hp>[ap])\.?m\b\.?)"
)
# The hours of RFC 2822's named zones.
_ZONES = {"est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7}
_ZONE = (
    r"(?:\s*(?P<z>z|(?:utc|gmt|ut)?\s?[+-]\d{1,2}(?::?\d{2})?(?:\s[a-z]{3,4})?|utc|gmt|ut|"
    + "|".join(_ZONES)
    + r")\b)?"
    r"(?:\s*\(.*\)|\[.*\])?"
)
_AFTER = r"(?:(?:\s*t|\s*,|\s+at|:|_)?\s*" + _TIME + _ZONE + r")?"
_YEAR = r"(?P<y>\d{4}|\d{2})"
_PATTERNS = [
    re.compile(pattern, re.IGNORECASE | re.ASCII)
    for pattern in (
        r"(?P<y>\d{4})([-/. ])(?P<m>\d{1,2})\2(?P<d>\d{1,2})" + _AFTER,
        _WEEKDAY + r"(?P<a>\d{1,2})([-/. ])(?P<b>\d{1,2})(?:\4|,\s*)" + _YEAR + _AFTER,
        _WEEKDAY + _MONTH + r"[\s-]*(?P<d>\d{1,2})(?:st|nd|rd|th)?(?:,\s*|[\s-]+)(?P<y>\d{4})" + _AFTER,
        _WEEKDAY + r"(?P<d>\d{1,2})(?:st|nd|rd|th)?[\s\-/.]*" + _MONTH + r"[\s\-/.,]*" + _YEAR + _AFTER,
        r"(?P<y>\d{4})[\s\-/.]*" + _MONTH + r"[\s\-/.]*(?P<d>\d{1,2})" + _AFTER,
        _WEEKDAY + _MONTH + r"\s+(?P<d>\d{1,2})\s+" + _TIME + _ZONE + r"\s+(?P<y>\d{4})",
        r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})[\s,t_]+" + _TIME + _ZONE,
        r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})(?:[t_-]?(?P<h>\d{2})(?P<mi>\d{2})(?P<s>\d{2})?"
        r"(?:[.,](?P<f>\d{1,9}))?" + _ZONE + r")?",
        r"(?P<y>\d{4})[-/](?P<m>0?[1-9]|1[0-2])",
        _MONTH + r"[\s\-/,]*(?P<y>\d{4})",
    )
]
# Python takes more for ISO: any character between date and time, and a bare number behind a space, which may
# count something else (see `streams.datasets.columns.times`).
_ISO = re.compile(r"(?:\d{4}-\d{2}-\d{2}|\d{8}|\d{4}-?W\d{2}(?:-?\d)?)(?:[Tt].+| .*:.+)?", re.ASCII)
_DIRECTIVES = {"m": "%m", "d": "%d", "h": "%H", "mi": "%M", "s": "%S", "f": "%f", "p": "%p", "hp": "%p"}


class OpenDate(NamedTuple):
    """A moment with an open order of `first` and `second`: one is the month and one the day.

    `certain`: `first` is the month beyond doubt. `ms`: of the day, in UTC; below 0 or above a day's length
    where the zone moves the day.
    """

    year: int
    first: int
    second: int
    ms: int
    certain: bool = True
    mark: str = "-"


def written(cell: Any) -> OpenDate | None:
    """The moment in a cell, or None if the cell is not a known form of a date.

    >>> written("7/14/2017 3:29:15 AM")
    OpenDate(year=2017, first=7, second=14, ms=12555000, certain=False, mark='/')
    """
    if isinstance(cell, date):  # a datetime is one too
        return _of_python(cell)
    text = _bare(cell)
    if _is_iso(text):
        return _of_python(datetime.fromisoformat(text))
    match = _matched(text)
    return None if match is None else _of_match(match)


def moment(found: OpenDate, day_first: bool) -> int | None:
    """Milliseconds since the epoch; None if the day does not exist."""
    month, day = found.first, found.second
    if day_first and not found.certain:
        month, day = day, month
    try:
        return (date(found.year, month, day).toordinal() - _EPOCH) * DAY_MS + found.ms
    except ValueError:
        return None


def notation_of(cell: Any, day_first: bool) -> str:
    """A cell's notation: "ISO 8601", or a format of strptime.

    >>> notation_of("14/07/2017 3:29 PM", day_first=True)
    '%d/%m/%Y %I:%M %p'
    """
    text = _bare(cell)
    match = None if isinstance(cell, date) or _is_iso(text) else _matched(text)
    if match is None:
        return "ISO 8601"
    names = {**_DIRECTIVES, "a": "%d" if day_first else "%m", "b": "%m" if day_first else "%d"}
    groups = {name: value for name, value in match.groupdict().items() if value is not None}
    if "p" in groups or "hp" in groups:
        names["h"] = "%I"
    names["y"] = "%Y" if len(groups["y"]) == 4 else "%y"
    names["mon"] = "%B" if len(groups.get("mon", "")) > 3 else "%b"
    names["wd"] = "%A" if "wday" in groups else "%a"
    names["z"] = "%z" if any(mark in groups.get("z", "") for mark in "+-") else groups.get("z", "")
    spans = sorted((match.span(name), directive) for name, directive in names.items() if name in groups)
    parts, at = [], 0
    for (begin, end), directive in spans:
        parts += [text[at:begin], directive]
        at = end + 3 if directive == "%A" else end  # "day"
        if directive == "%p" and (rest := re.match(r"\.?m\.?", text[end:], re.IGNORECASE)):
            at += rest.end()  # "a.m." is one word
    return "".join(parts) + text[at:]


def _bare(cell: Any) -> str:
    """The text without spaces around it, and without the brackets of a web server's log."""
    text = str(cell).strip()
    return text[1:-1] if text.startswith("[") and text.endswith("]") else text


def _matched(text: str) -> re.Match[str] | None:
    return next(filter(None, (pattern.fullmatch(text) for pattern in _PATTERNS)), None)


def _is_iso(text: str) -> bool:
    if not _ISO.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _of_python(value: date) -> OpenDate:
    ms = 0
    if isinstance(value, datetime):
        since = timedelta(hours=value.hour, minutes=value.minute, seconds=value.second)
        since -= value.utcoffset() or timedelta()
        ms = (since.days * 86_400 + since.seconds) * 1_000 + (since.microseconds + value.microsecond) // 1_000
    return OpenDate(value.year, value.month, value.day, ms)


def _of_match(match: re.Match[str]) -> OpenDate | None:
    part = match.groupdict()
    ms = _of_day(part)
    if ms is None:
        return None
    year = int(part["y"])
    if len(part["y"]) == 2:  # as POSIX has it
        year += 1900 if year >= 69 else 2000
    if part.get("a") is not None:
        return OpenDate(year, int(part["a"]), int(part["b"]), ms, certain=False, mark=match[4])
    month = _MONTHS[part["mon"].lower()] if part.get("mon") else int(part["m"])
    return OpenDate(year, month, int(part.get("d") or 1), ms)


def _of_day(part: dict[str, str | None]) -> int | None:
    """The time of day in milliseconds, less its zone's offset; None for one like 25:00."""
    hour, minute, second = (int(part.get(name) or 0) for name in ("h", "mi", "s"))
    half = (part.get("p") or part.get("hp") or "").lower()
    if half and hour <= 12:
        hour = hour % 12 + (12 if half == "p" else 0)
    if minute > 59 or second > 60 or hour > 24 or (hour == 24 and minute + second):
        return None
    offset = _offset(part.get("z") or "")
    if offset is None:
        return None
    fraction = int(((part.get("f") or "") + "000")[:3])
    return ((hour * 60 + minute - offset) * 60 + second) * 1_000 + fraction


def _offset(zone: str) -> int | None:
    """Minutes east of UTC."""
    zone = zone.lower()
    if zone in _ZONES:
        return _ZONES[zone] * 60
    match = re.search(r"([+-])(\d{1,2}):?(\d{2})?\b", zone)
    if match is None:
        return 0
    minutes = int(match[2]) * 60 + int(match[3] or 0)
    return None if minutes > 1_440 else minutes if match[1] == "+" else -minutes
