from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.datasets.columns.times import MISSING, implausible, read_times, span

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
        ("Fri, 28 Feb 2014 01:00:00 +0100", "%a, %d %b %Y %H:%M:%S %z"),
        ("20140228000000", "YYYYMMDDHHMMSS"),
        (20140228000000.0, "YYYYMMDDHHMMSS"),
        ("20140228000000.000", "YYYYMMDDHHMMSS"),
        ("201402280000", "YYYYMMDDHHMM"),
        (2014022800, "YYYYMMDDHH"),
        ("20140228000000000", "YYYYMMDDHHMMSSmmm"),
        ("20140228000000Z", "%Y%m%d%H%M%SZ"),
        ("41698", "Excel's serial dates"),
        (41698.0, "Excel's serial dates"),
        ("41698,0", "Excel's serial dates"),
        ("2/28/2014 12:00:00 AM", "%m/%d/%Y %I:%M:%S %p"),
        ("28/2/2014 12:00 am", "%d/%m/%Y %I:%M %p"),
        ("2/27/2014 4:00 PM PST", "%m/%d/%Y %I:%M %p PST"),
        ("28-Feb-14", "%d-%b-%y"),
        ("28/Feb/2014:00:00:00 +0000", "%d/%b/%Y:%H:%M:%S %z"),
        ("February 28, 2014", "%B %d, %Y"),
        ("28 February 2014, 00:00", "%d %B %Y, %H:%M"),
        ("Friday, February 28, 2014 12:00 AM", "%A, %B %d, %Y %I:%M %p"),
        ("2014-2-28", "%Y-%m-%d"),
        ("2014-02-28 00:00:00 +0000 UTC", "%Y-%m-%d %H:%M:%S %z"),  # Go
        ("2014-02-28 01:00:00 +0100 CET", "%Y-%m-%d %H:%M:%S %z"),
        ("/Date(1393545600000)/", "unix milliseconds"),  # ASP.NET
        ("[28/Feb/2014:00:00:00 +0000]", "%d/%b/%Y:%H:%M:%S %z"),
        ("28-FEB-14 12.00.00.000000 AM", "%d-%b-%y %I.%M.%S.%f %p"),  # Oracle
        ("28.02.2014 00.00.00", "%d.%m.%Y %H.%M.%S"),
        ("2014-02-28 00:00:00 UTC", "%Y-%m-%d %H:%M:%S UTC"),
        ("2014-02-28T00:00:00.000000000Z", "ISO 8601"),
        ("2014-02-27T24:00:00", "%Y-%m-%dT%H:%M:%S"),
        (b"2014-02-28", "ISO 8601"),
        ({"$date": {"$numberLong": "1393545600000"}}, "unix milliseconds"),
        ("2014-02-28 0", "ISO 8601 and hours"),
        ("2/28/2014 0", "%m/%d/%Y and hours"),
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


@pytest.mark.parametrize(
    ("cell", "first", "notation"),
    [
        ("2014", "2014-01-01", "dates as YYYY"),
        (201402, "2014-02-01", "dates as YYYYMM"),
        ("2014-02", "2014-02-01", "%Y-%m"),
        ("February 2014", "2014-02-01", "%B %Y"),
    ],
)
def test_years_and_months_begin_with_their_first_day(cell: Any, first: str, notation: str) -> None:
    times = read_times([cell])
    assert span(times.ms) == f"{first} to {first}"
    assert times.notation == notation


@pytest.mark.parametrize(
    "cells", [["1500000000", "0", "1500000001"], ["2017-07-14", "1970-01-01 00:00:00", "2017-07-15"]]
)
def test_zero_among_times_of_our_days_is_none(cells: list[str]) -> None:
    assert (read_times(cells).ms == MISSING).tolist() == [False, True, False]
    assert read_times(["0", "1", "2"]).ms.tolist() == [0, 1000, 2000]


def test_a_format_without_a_year_says_which_is_taken() -> None:
    times = read_times(["0229", "1111"], "%m%d")
    assert span(times.ms) == "2000-02-29 to 2000-11-11"
    assert "no year" in times.doubt


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
    # Below 1.9e9: a column of later seconds may read as dates of the years from 1900 on, YYYYMMDDHH.
    st.lists(st.integers(10**9, 1_900_000_000), min_size=1, max_size=20),
    st.sampled_from([1, 1_000, 10**6, 10**9]),
)
def test_units_by_magnitude(seconds: list[int], scale: int) -> None:
    ms = read_times([second * scale for second in seconds]).ms
    assert np.array_equal(ms, np.array(seconds) * 1_000)
    assert datetime.fromtimestamp(ms[0] / 1000, tz=UTC).year >= 2001


def written(moments: list[datetime], form: str) -> list[str]:
    return [moment.strftime(form) for moment in moments]


def ms(moments: list[datetime], unit_ms: int) -> list[int]:
    """The moments, rounded down to what a notation holds."""
    exact = [(moment - datetime(1970, 1, 1)) // timedelta(milliseconds=1) for moment in moments]  # noqa: DTZ001
    return [at - at % unit_ms for at in exact]


DATES = ("%Y-%m-%d", "%Y/%m/%d", "%b %d, %Y", "%B %d %Y", "%d %b %Y", "%d-%B-%Y", "%a, %d %b %Y", "%Y%m%d")
CLOCKS = (
    (" %H:%M:%S", 1_000),
    (" %H:%M", 60_000),
    (" %I:%M:%S %p", 1_000),
    (", %I:%M %p", 60_000),
    ("", 86_400_000),
)


@given(st.lists(WHEN, min_size=1, max_size=8), st.sampled_from(DATES), st.sampled_from(CLOCKS))
def test_dates_beyond_doubt_read_back(moments: list[datetime], day: str, clock: tuple[str, int]) -> None:
    assert read_times(written(moments, day + clock[0])).ms.tolist() == ms(moments, clock[1])


@given(
    st.lists(WHEN, min_size=1, max_size=8),
    st.sampled_from(["/", "-", ".", " "]),
    st.booleans(),
    st.sampled_from(CLOCKS),
)
def test_dates_of_numbers_read_back_when_their_order_is_told(
    moments: list[datetime], mark: str, day_first: bool, clock: tuple[str, int]
) -> None:
    form = mark.join(("%d", "%m", "%Y") if day_first else ("%m", "%d", "%Y")) + clock[0]
    how = "day-first" if day_first else "month-first"
    assert read_times(written(moments, form), how).ms.tolist() == ms(moments, clock[1])
    assert read_times(written(moments, form), form).ms.tolist() == ms(moments, clock[1])
    if any(moment.day > 12 for moment in moments):  # then the column says it by itself
        assert read_times(written(moments, form)).ms.tolist() == ms(moments, clock[1])


@given(
    st.lists(WHEN, min_size=1, max_size=8), st.sampled_from([("%Y%m%d%H%M%S", 1_000), ("%Y%m%d%H%M", 60_000)])
)
def test_calendar_digits_read_back(moments: list[datetime], form: tuple[str, int]) -> None:
    text = written(moments, form[0])
    for cells in (
        text,
        [int(cell) for cell in text],
        [float(cell) for cell in text],
        [f"{cell}.0" for cell in text],
    ):
        assert read_times(cells).ms.tolist() == ms(moments, form[1])


@given(st.lists(st.datetimes(datetime(1990, 1, 2), datetime(2099, 1, 1)), min_size=1, max_size=8))  # noqa: DTZ001
def test_excel_days_read_back(moments: list[datetime]) -> None:
    days = [(moment - datetime(1899, 12, 30)) / timedelta(days=1) for moment in moments]  # noqa: DTZ001
    for cells in (days, [repr(day) for day in days], [repr(day).replace(".", ",") for day in days]):
        assert np.abs(read_times(cells).ms - np.array(ms(moments, 1))).max() <= 1


@given(st.lists(WHEN, min_size=1, max_size=8), st.integers(-14, 14))
def test_twitter_and_mail_with_any_zone(moments: list[datetime], hours: int) -> None:
    zone = f"{'-' if hours < 0 else '+'}{abs(hours):02d}00"
    local = [moment + timedelta(hours=hours) for moment in moments]
    for form in (f"%a %b %d %H:%M:%S {zone} %Y", f"%a, %d %b %Y %H:%M:%S {zone}"):
        assert read_times(written(local, form)).ms.tolist() == ms(moments, 1_000)


def test_a_few_broken_digits_do_not_change_what_the_column_is() -> None:
    good = [f"201707{day:02d}0329" for day in range(1, 28)]
    times = read_times([*good, "201713990329", "0"])
    assert times.notation == "YYYYMMDDHHMM"
    assert (times.ms != MISSING).tolist() == [True] * 27 + [False] * 2


def test_dates_and_numbers_of_two_columns() -> None:
    def read(*cells: str) -> list[int]:
        return [int(at) - FEB_28 for at in read_times(cells).ms]

    assert read("2014-02-28 32915", "2014-02-28 235959") == [12_555_000, 86_399_000]
    assert read("20140228 032915", "20140228 100000") == [12_555_000, 36_000_000]
    assert read("28.02.2014 329", "28.02.2014 2359") == [12_540_000, 86_340_000]
    assert read("2014-02-28 86399", "2014-02-28 61") == [86_399_000, 61_000]
    assert read("2014-02-28 1391195", "2014-02-28 477914") == [1_391_195, 477_914]


def test_doubt_is_told_and_can_be_ended() -> None:
    cells = ["03/02/2014", "04/05/2014"]
    assert "read month first (--times day-first)" in read_times(cells).doubt
    assert read_times(cells, "day-first").doubt == ""
    assert read_times(cells, "day-first").ms[0] == FEB_28 - 25 * 86_400_000
    assert "read day first" in read_times(["03.02.2014"]).doubt
    assert read_times(["2014-02-03", "Feb 3, 2014"]).doubt == ""


def test_what_is_asked_for_is_done() -> None:
    assert read_times(["1393545600"], "milliseconds").ms.tolist() == [1_393_545_600]
    assert read_times([1393545600], "nanoseconds").notation == "unix nanoseconds"
    assert read_times(["5"], "excel").outside.tolist() == [True]
    assert read_times(["2014|59"], "%Y|%j").ms.tolist() == [FEB_28]
    assert read_times([20140228.0], "%Y%m%d").ms.tolist() == [FEB_28]
    assert read_times([1393545600, 1393545600, False]).ms.tolist() == [FEB_28, FEB_28, MISSING]
    assert read_times(["2014-02-28"], "seconds").ms.tolist() == [MISSING]


def test_before_1970_and_after_9999_is_no_time_of_ours() -> None:
    times = read_times(["1969-12-31", "2014-02-28", "soon"])
    assert times.ms.tolist() == [MISSING, FEB_28, MISSING]
    assert times.outside.tolist() == [True, False, False]
    assert read_times(["19650714032915", "20140228000000"]).ms.tolist() == [MISSING, FEB_28]


def test_times_that_can_hardly_be_are_told() -> None:
    ms = np.array([0, FEB_28, FEB_28 + 10**12])
    assert implausible(ms, FEB_28) == (
        "1 of 3 times lie before 1990 and 1 of 3 times lie in the future: if the notation is another one, "
        "set it with --times"
    )
    assert implausible(ms[1:2], FEB_28) == ""
    assert span(ms) == "1970-01-01 to 2045-11-06"


@given(st.text("0123456789-/.: TZAPMJanulFebWed,+", max_size=28))
def test_no_text_gives_a_traceback(text: str) -> None:
    for how in ("auto", "day-first", "%d.%m.%Y", "seconds", "excel"):
        assert len(read_times([text, text], how).ms) == 2
