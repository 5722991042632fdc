"""A column of times, in any sensible notation, as milliseconds since the epoch (UTC).

The rule, decided once for the whole column so that no row is read differently from its neighbours:

1. where most cells are numbers: eight-digit dates (20140228) if all of them are such; else the median's size
   tells the unit: below 1e11 seconds (fractions allowed), below 1e14 ms, below 1e17 us, else ns;
2. else ISO 8601 (dates too, with or without a zone) if most cells are;
3. else the one of `FORMATS` that reads the most cells; day and month in doubt are read month first.

No zone means UTC. A cell that does not follow the column's notation, or lies outside the years 1970 to 9999,
is a bad row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

MISSING = np.iinfo(np.int64).min
LATEST_MS = 253_402_300_799_000
UNITS = (
    (1e11, "seconds", 1_000.0),
    (1e14, "milliseconds", 1.0),
    (1e17, "microseconds", 1e-3),
    (np.inf, "nanoseconds", 1e-6),
)
SAMPLE = 2_000
FORMATS = (
    "%m %d, %Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%d %b %Y",
    "%d %B %Y",
    "%Y/%m/%d",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%m/%d/%Y",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M",
    "%d/%m/%Y",
    "%d/%m/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M",
    "%d.%m.%Y",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%a, %d %b %Y %H:%M:%S %z",
    "%a, %d %b %Y %H:%M:%S GMT",
    "%a %b %d %H:%M:%S %z %Y",
    "%Y-%m-%d %H:%M:%S UTC",
    "%Y-%m-%d %H:%M:%S %z",
    "%Y-%m-%d %H:%M:%S.%f UTC",
)


class Times(NamedTuple):
    """`ms` int64, `MISSING` where a cell can't be read; `notation`: how the column was read, in words."""

    ms: NDArray[np.int64]
    notation: str


def read_times(cells: Sequence[Any]) -> Times:
    """Read a column by the rule above.

    >>> read_times(["881250949", "891717742"])
    Times(ms=array([881250949000, 891717742000]), notation='unix seconds')
    >>> read_times(["2014-02-28T01:00:00+01:00"]).ms.tolist()
    [1393545600000]
    """
    numbers = as_numbers(cells)
    finite = numbers[np.isfinite(numbers)]
    times = _unix(numbers, finite) if 2 * len(finite) > len(cells) else _written(cells)
    outside = (times.ms < 0) | (times.ms > LATEST_MS)
    return Times(np.where(outside, MISSING, times.ms), times.notation)


def as_numbers(cells: Sequence[Any]) -> NDArray[np.float64]:
    """Cells as floats; NaN where a cell is no number."""
    try:
        return np.array(cells, dtype=np.float64)
    except (ValueError, TypeError, OverflowError):
        return np.fromiter((_number(cell) for cell in cells), np.float64, len(cells))


def _number(cell: Any) -> float:
    if not isinstance(cell, int | float | str):
        return np.nan
    try:
        return float(cell)
    except (ValueError, OverflowError):
        return np.nan


def _unix(numbers: NDArray[np.float64], finite: NDArray[np.float64]) -> Times:
    as_dates = _eight_digit_dates(numbers, finite)
    if as_dates is not None:
        return Times(as_dates, "dates as YYYYMMDD")
    median = float(np.median(np.abs(finite)))
    unit, factor = next((unit, factor) for bound, unit, factor in UNITS if median < bound)
    with np.errstate(invalid="ignore", over="ignore"):
        ms = np.round(numbers * factor)
    good = np.isfinite(ms) & (np.abs(ms) <= LATEST_MS)
    return Times(np.where(good, np.where(good, ms, 0).astype(np.int64), MISSING), f"unix {unit}")


def _eight_digit_dates(numbers: NDArray[np.float64], finite: NDArray[np.float64]) -> NDArray[np.int64] | None:
    """The column as YYYYMMDD, or None where any number is no such date (1970 to 2099)."""
    months, days = finite // 100 % 100, finite % 100
    if not bool(
        np.all((finite >= 19_700_101) & (finite < 21_000_000) & (finite % 1 == 0))
        and np.all((months >= 1) & (months <= 12) & (days >= 1) & (days <= 31))
    ):
        return None
    ms = np.full(len(numbers), MISSING, np.int64)
    for value in np.unique(finite):
        try:
            day = datetime.strptime(f"{int(value)}", "%Y%m%d").replace(tzinfo=UTC)
        except ValueError:
            continue
        ms[numbers == value] = _ms(day)
    return ms


def _written(cells: Sequence[Any]) -> Times:
    """Dates and times as text, or as Python values (from Parquet)."""
    sample = [cell for cell in cells if cell is not None and cell != ""][:SAMPLE]
    reads: list[tuple[str, Callable[[Any], int]]] = [("ISO 8601", _iso)]
    reads += [(form, _by(form)) for form in FORMATS]
    found = [sum(read(cell) != MISSING for cell in sample) for _, read in reads]
    best = int(np.argmax(found))
    notation, read = reads[best]
    return Times(np.fromiter((read(cell) for cell in cells), np.int64, len(cells)), notation)


def _iso(cell: Any) -> int:
    if isinstance(cell, datetime):
        return _ms(cell)
    if isinstance(cell, date):
        return _ms(datetime(cell.year, cell.month, cell.day, tzinfo=UTC))
    try:
        return _ms(datetime.fromisoformat(str(cell).strip()))
    except (ValueError, OverflowError):
        return MISSING


def _by(form: str) -> Callable[[Any], int]:
    def read(cell: Any) -> int:
        try:
            return _ms(datetime.strptime(str(cell).strip(), form))  # noqa: DTZ007  (_ms adds UTC where the format has no zone)
        except (ValueError, OverflowError):
            return MISSING

    return read


def _ms(moment: datetime) -> int:
    """Milliseconds since the epoch; without a zone it is UTC."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    whole = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (whole.days * 86_400 + whole.seconds) * 1_000 + whole.microseconds // 1_000
