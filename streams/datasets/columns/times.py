"""A column of times, in any sensible notation, as milliseconds since the epoch (UTC).

The whole column decides the rule once, so that all rows have the same notation:

1. if most cells are numbers: calendar digits (20140228, 20140228031500) or Excel's serial dates if nine of
   ten are such; else the median's size tells the unit: below 1e11 seconds (fractions allowed), below 1e14
   ms, below 1e17 us, else ns;
2. else written dates (ISO 8601, `7/14/2017 3:29:15 AM`, `Jul 14, 2017`, RFC 2822 and others). If numbers
alone
   do not say which is the day, the order that the whole column allows; in doubt the month is first, but the
   day before dots;
3. else a date and a number: the hour, HHMM, HHMMSS, or the seconds or milliseconds of the day.

No zone means UTC. A cell that does not follow the column's notation, or lies outside the years 1970 to 9999,
is a bad row. `--times` sets the notation.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.datasets.columns.cell_rules import TIME_UNITS
from streams.datasets.columns.cells import as_numbers, plain_value
from streams.datasets.columns.numbered_times import counted, excel, numbered_times
from streams.datasets.columns.written_times import DAY_MS, OpenDate, moment, notation_of, written

MISSING = np.iinfo(np.int64).min
LATEST_MS = 253_402_300_799_000
# There were no such logs earlier; one day of tolerance for clocks and zones.
PLAUSIBLE_FROM_MS = 631_152_000_000
PLAUSIBLE_AHEAD_MS = 2 * DAY_MS
SAMPLE = 2_000
_ASP_NET = re.compile(r"\\?/Date\((-?\d+)(?:[+-]\d{4})?\)\\?/")
# The year in a format of strptime; without it Python takes 1900, which has no 29th of February.
_YEAR_IN_FORMAT = re.compile(r"%[YyGcx]")
YEAR = 2000
_DATE_AND_NUMBER = re.compile(r"(.*\S)[ T](\d+(?:\.\d+)?)")


class Times(NamedTuple):
    """`ms` int64, `MISSING` for a cell that the reader can't read; `notation`: of the column, in words.

    `outside`: which of those are times, but not of the years 1970 to 9999. `doubt`: what else the column
    could mean, "" for nothing.
    """

    ms: NDArray[np.int64]
    notation: str
    outside: NDArray[np.bool_]
    doubt: str = ""


def read_times(cells: Sequence[Any], how: str = "auto") -> Times:
    """Read a column by the rule above; `how`: as `CellRules.times`.

    >>> times = read_times(["881250949", "891717742"])
    >>> times.ms.tolist(), times.notation
    ([881250949000, 891717742000], 'unix seconds')
    >>> read_times(["2014-02-28T01:00:00+01:00"]).ms.tolist()
    [1393545600000]
    """
    cells = [_plain(cell) for cell in cells]
    if "%" in how:
        without = "" if _YEAR_IN_FORMAT.search(how) else f"the format has no year: {YEAR} is taken"
        return _within(_formatted(cells, how, f"{YEAR} " if without else ""), how, without)
    numbers = as_numbers(cells)
    numbers[np.isinf(numbers)] = np.nan
    if how in TIME_UNITS:
        return _within(*counted(numbers, how))
    if how == "excel":
        return _within(*excel(numbers))
    if 2 * np.isfinite(numbers).sum() > len(cells):
        return _within(*numbered_times(cells, numbers))
    ms, notation, doubt = _written(cells, how)
    if 2 * np.isfinite(ms).sum() < len(cells) and (joined := _dates_and_numbers(cells, how)) is not None:
        ms, notation, doubt = joined
    return _within(ms, notation, doubt)


def _plain(cell: Any) -> Any:
    cell = plain_value(cell)
    if isinstance(cell, bytes):
        cell = cell.decode("utf-8", "replace")
    if isinstance(cell, str) and (match := _ASP_NET.fullmatch(cell.strip())):
        return match[1]
    return None if isinstance(cell, bool) else cell  # else False would be a number, and 1970


def implausible(ms: NDArray[np.int64], now_ms: int) -> str:
    """A note on times before 1990 or ahead of the clock; "" if there are none."""
    early = int((ms < PLAUSIBLE_FROM_MS).sum())
    late = int((ms > now_ms + PLAUSIBLE_AHEAD_MS).sum())
    counts = ((early, "before 1990"), (late, "in the future"))
    counted_times = " and ".join(
        f"{count} of {len(ms)} times lie {where}" for count, where in counts if count
    )
    return f"{counted_times}: if the notation is another one, set it with --times" if counted_times else ""


def span(ms: NDArray[np.int64]) -> str:
    """The first and the last day of some times.

    >>> span(np.array([881250949000, 891717742000]))
    '1997-12-04 to 1998-04-04'
    """
    days = (datetime.fromtimestamp(int(end) / 1_000, UTC).date().isoformat() for end in (ms.min(), ms.max()))
    return " to ".join(days)


def _within(ms: NDArray[np.float64], notation: str, doubt: str = "") -> Times:
    finite = np.isfinite(ms)
    outside = finite & ((ms < 0) | (ms > LATEST_MS))
    good = finite & ~outside
    if good.any() and np.median(ms[good]) >= PLAUSIBLE_FROM_MS:
        good &= ms != 0  # among recent times, 0 means no time
    whole = np.where(good, np.where(good, ms, 0).astype(np.int64), MISSING)
    return Times(whole, notation, outside, doubt)


def _written(cells: Sequence[Any], how: str) -> tuple[NDArray[np.float64], str, str]:
    """Dates and times as text, or as Python values (from Parquet)."""
    texts = [cell if isinstance(cell, str | date) else str(cell) for cell in cells]
    known = {text: written(text) for text in dict.fromkeys(texts)}
    in_doubt = [each for each in known.values() if each is not None and not each.certain]
    day_first, doubt = _day_first(in_doubt, how)
    read = {text: None if each is None else moment(each, day_first) for text, each in known.items()}
    ms = np.array([np.nan if (at := read[text]) is None else at for text in texts], np.float64)
    sample = [text for text in texts if known[text] is not None][:SAMPLE]
    names = Counter(notation_of(text, day_first) for text in sample)
    return ms, names.most_common(1)[0][0] if names else "ISO 8601", doubt


def _day_first(found: Sequence[OpenDate], how: str) -> tuple[bool, str]:
    """Whether the first of two numbers is the day, and a note if that is in doubt."""
    if how in ("day-first", "month-first"):
        return how == "day-first", ""
    days = sum(each.first > 12 for each in found)
    months = sum(each.second > 12 for each in found)
    if days != months or not found:
        return days > months, ""
    by_mark = found[0].mark == "."
    order, other = ("day", "month") if by_mark else ("month", "day")
    return by_mark, f"which number is the day is in doubt, read {order} first (--times {other}-first)"


def _formatted(cells: Sequence[Any], form: str, year: str) -> NDArray[np.float64]:
    """Times by a format of strptime, in UTC if it has no zone. `year`: goes before each cell, as "2000 "."""
    if year:
        form = f"%Y {form}"

    def read(cell: Any) -> float:
        text = str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell).strip()
        try:
            found = written(datetime.strptime(year + text, form))  # noqa: DTZ007  (no zone means UTC)
        except (ValueError, OverflowError):
            return np.nan
        at = None if found is None else moment(found, day_first=False)
        return np.nan if at is None else at

    return np.fromiter((read(cell) for cell in cells), np.float64, len(cells))


def _dates_and_numbers(cells: Sequence[Any], how: str) -> tuple[NDArray[np.float64], str, str] | None:
    """Dates with a number behind them, from joined date and time columns; None if most are not such."""
    matches = [_DATE_AND_NUMBER.fullmatch(str(cell).strip()) for cell in cells]
    if 2 * sum(match is not None for match in matches) <= len(cells):
        return None
    days, notation, doubt = _written(["" if match is None else match[1] for match in matches], how)
    numbers = np.array([np.nan if match is None else float(match[2]) for match in matches])
    known = numbers[np.isfinite(days) & np.isfinite(numbers)]
    unit, ms = _of_day(numbers, known) if len(known) else ("", None)
    return None if ms is None else (days + ms, f"{notation} and {unit}", doubt)


def _of_day(
    numbers: NDArray[np.float64], known: NDArray[np.float64]
) -> tuple[str, NDArray[np.float64] | None]:
    """The numbers as times of day, and the notation's name; None if they are not times of day."""
    whole, most = bool((known % 1 == 0).all()), float(known.max())
    clock = whole and bool((known % 100 < 60).all() and (known // 100 % 100 < 60).all())
    if whole and most < 24:
        return "hours", numbers * 3_600_000.0
    if clock and most < 2_360:
        return "HHMM", (numbers // 100 * 60 + numbers % 100) * 60_000.0
    if clock and most < 240_000:
        seconds = numbers // 10_000 * 3_600 + numbers // 100 % 100 * 60 + numbers % 100
        return "HHMMSS", seconds * 1_000.0
    if most < 86_400:
        return "seconds of the day", numbers * 1_000.0
    return ("milliseconds of the day", numbers) if most < DAY_MS else ("", None)
