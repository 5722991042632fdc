from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.replay.times import MISSING, read_times

FEB_28 = 1_393_545_600_000  # 2014-02-28T00:00:00Z


@pytest.mark.parametrize(
    ("cell", "notation"),
    [
        (1393545600, "unix seconds"),
        ("1393545600", "unix seconds"),
        (" 1393545600.0 ", "unix seconds"),
        ("1.3935456e9", "unix seconds"),
        (1393545600000, "unix milliseconds"),
        ("1393545600000000", "unix microseconds"),
        (1393545600000000000, "unix nanoseconds"),
        ("20140228", "dates as YYYYMMDD"),
        ("2014-02-28", "ISO 8601"),
        ("2014-02-28T00:00:00Z", "ISO 8601"),
        ("2014-02-28 01:00:00+01:00", "ISO 8601"),
        ("2014-02-27T16:00:00.000-08:00", "ISO 8601"),
        (date(2014, 2, 28), "ISO 8601"),
        (datetime(2014, 2, 28), "ISO 8601"),  # noqa: DTZ001  (Parquet's times may have no zone)
        ("02 28, 2014", "%m %d, %Y"),
        ("Feb 28, 2014", "%b %d, %Y"),
        ("2014/02/28 00:00:00", "%Y/%m/%d %H:%M:%S"),
        ("28/02/2014", "%d/%m/%Y"),
        ("02/28/2014", "%m/%d/%Y"),
        ("28.02.2014 00:00", "%d.%m.%Y %H:%M"),
        ("Fri Feb 28 00:00:00 +0000 2014", "%a %b %d %H:%M:%S %z %Y"),
        ("Fri, 28 Feb 2014 00:00:00 GMT", "%a, %d %b %Y %H:%M:%S GMT"),
    ],
)
def test_one_day_in_many_notations(cell: Any, notation: str) -> None:
    times = read_times([cell, cell])
    assert times.ms.tolist() == [FEB_28, FEB_28]
    assert times.notation == notation


def test_fractions_of_seconds_are_kept_to_the_millisecond() -> None:
    assert read_times(["1393545600.1234", "2"]).ms.tolist() == [FEB_28 + 123, 2_000]


def test_the_column_decides_not_the_cell() -> None:
    """A small millisecond value beside large ones is an early time, not seconds."""
    times = read_times([1_393_545_600_000, 1_393_545_600_001, 5])
    assert times.ms.tolist() == [FEB_28, FEB_28 + 1, 5]


def test_eight_digit_seconds_are_not_dates() -> None:
    assert read_times([20_140_228, 20_149_999]).notation == "unix seconds"
    assert read_times([20_140_228, 20_140_230]).ms.tolist() == [FEB_28, MISSING]  # no 30th of February


def test_cells_of_another_notation_are_missing() -> None:
    for cells in (
        ["1393545600"] * 9 + ["soon", "2014-02-28", None, "inf", -5],
        [1393545600] * 9 + [1e300],
    ):
        ms = read_times(cells).ms
        good = [cell in ("1393545600", 1393545600) for cell in cells]
        assert (ms != MISSING).tolist() == good


def test_day_and_month_follow_the_whole_column() -> None:
    ms = read_times(["03/02/2014", "28/02/2014"]).ms
    assert ms.tolist() == [FEB_28 - 25 * 86_400_000, FEB_28]


def test_nothing_that_is_a_time() -> None:
    assert (read_times(["x", None, ""]).ms == MISSING).all()
    assert len(read_times([]).ms) == 0


WHEN = st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1))  # noqa: DTZ001  (hypothesis wants naive bounds)


@given(st.lists(WHEN, min_size=1, max_size=20), st.integers(-12, 12))
def test_iso_times_with_any_zone_are_exact(moments: list[datetime], hours: int) -> None:
    expected = [int((m - datetime(1970, 1, 1)) / timedelta(milliseconds=1)) for m in moments]  # noqa: DTZ001
    shift = timedelta(hours=hours)
    sign = "-" if hours < 0 else "+"
    written = [f"{(m + shift).isoformat()}{sign}{abs(hours):02d}:00" for m in moments]
    assert read_times(written).ms.tolist() == expected


@given(
    st.lists(st.integers(10**9, 4 * 10**9), min_size=1, max_size=20),
    st.sampled_from([1, 1_000, 10**6, 10**9]),
)
def test_units_by_magnitude(seconds: list[int], scale: int) -> None:
    ms = read_times([second * scale for second in seconds]).ms
    assert np.array_equal(ms, np.array(seconds) * 1_000)
    assert datetime.fromtimestamp(ms[0] / 1000, tz=UTC).year >= 2001
