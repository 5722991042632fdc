"""Times that are numbers: calendar digits (20170714032915), Excel's days, or a count since 1970."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.datasets.columns.written_times import DAY_MS

UNITS = (
    (1e11, "seconds", 1_000.0),
    (1e14, "milliseconds", 1.0),
    (1e17, "microseconds", 1e-3),
    (np.inf, "nanoseconds", 1e-6),
)
# The digits of a calendar time, and their names.
CALENDAR = {
    4: "YYYY",
    6: "YYYYMM",
    8: "YYYYMMDD",
    10: "YYYYMMDDHH",
    12: "YYYYMMDDHHMM",
    14: "YYYYMMDDHHMMSS",
    17: "YYYYMMDDHHMMSSmmm",
}
# Days from 1899-12-30 to 1970-01-01; the serial numbers of 1990 and 2100, between which dates lie.
EXCEL_EPOCH, EXCEL_FROM, EXCEL_TO = 25_569.0, 32_874.0, 73_051.0
# A calendar or Excel's days must explain this share of a column's numbers.
MOST = 0.9
_YEARS = (1900, 2200)


class NumericTimes(NamedTuple):
    """`ms` float64, NaN for a number that is not a time; `notation` in words."""

    ms: NDArray[np.float64]
    notation: str


def numbered_times(cells: Sequence[Any], numbers: NDArray[np.float64]) -> NumericTimes:
    """Find out what the numbers of a whole column count. `cells`: the cells of the numbers."""
    finite = np.isfinite(numbers)
    size = float(np.median(np.abs(numbers[finite])))
    for digits, name in CALENDAR.items():
        if 10 ** (digits - 1) <= size < 10**digits:
            ms, fits = _calendar(cells, numbers, digits)
            if fits.sum() >= MOST * finite.sum():
                return NumericTimes(ms, f"dates as {name}" if digits <= 8 else name)
    if (finite & (numbers >= EXCEL_FROM) & (numbers < EXCEL_TO)).sum() >= MOST * finite.sum():
        return excel(numbers)
    return counted(numbers, next(unit for bound, unit, _ in UNITS if size < bound))


def counted(numbers: NDArray[np.float64], unit: str) -> NumericTimes:
    """Seconds (milliseconds, ...) since 1970."""
    factor = next(factor for _, name, factor in UNITS if name == unit)
    with np.errstate(invalid="ignore", over="ignore"):
        return NumericTimes(np.round(numbers * factor), f"unix {unit}")


def excel(numbers: NDArray[np.float64]) -> NumericTimes:
    """Days since 1899-12-30, as spreadsheets count them; the fraction is the time of day."""
    with np.errstate(invalid="ignore", over="ignore"):
        return NumericTimes(np.round((numbers - EXCEL_EPOCH) * DAY_MS), "Excel's serial dates")


def _calendar(
    cells: Sequence[Any], numbers: NDArray[np.float64], digits: int
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The column as calendar digits, NaN for a day that does not exist; and which numbers look like it."""
    fits = np.isfinite(numbers) & (np.abs(numbers) < 10**17) & (numbers >= 0)
    whole = np.where(fits, numbers, 0.0).astype(np.int64)
    if digits > 15:  # more than a float holds
        whole = np.fromiter((_integer(cell) for cell in cells), np.int64, len(cells))
    fits &= (whole >= _YEARS[0] * 10 ** (digits - 4)) & (whole < _YEARS[1] * 10 ** (digits - 4))
    fits &= numbers % 1 == 0 if digits < 14 else True
    parts: list[NDArray[np.int64]] = []
    rest = whole
    if digits == 17:
        rest, thousandths = rest // 1_000, rest % 1_000
    else:
        thousandths = np.where(fits, np.round(numbers % 1 * 1_000), 0).astype(np.int64)
    for _ in range((min(digits, 14) - 4) // 2):
        parts.insert(0, rest % 100)
        rest = rest // 100
    parts += [np.ones_like(whole)] * (2 - len(parts))
    month, day, *clock = parts
    hour, minute, second = (*clock, *[np.zeros_like(whole)] * 3)[:3]
    fits &= (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)
    fits &= (hour <= 23) & (minute <= 59) & (second <= 60)
    months = np.where(fits, (rest - 1970) * 12 + month - 1, 0).astype("datetime64[M]")
    days = months.astype("datetime64[D]") + np.where(fits, day - 1, 0)
    ms = days.astype(np.int64) * DAY_MS + ((hour * 60 + minute) * 60 + second) * 1_000 + thousandths
    there = days.astype("datetime64[M]") == months  # false for a day like the 30th of February
    return np.where(fits & there, ms, np.nan), fits


def _integer(cell: Any) -> int:
    try:
        value = int(str(cell).strip().partition(".")[0])
    except ValueError:
        return 0
    return value if 0 <= value < 10**18 else 0
