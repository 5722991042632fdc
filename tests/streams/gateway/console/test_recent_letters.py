"""Dead letters are told of for minutes, and none is missed for want of somebody who looks."""

from __future__ import annotations

from streams.gateway.console.recent_letters import FORGET_S, WINDOW_S, RecentLetters
from streams.worker_reports.report import Report
from tests.streams.gateway.console.reports import report


def of(letters: int, worker: str = "a:1", **given: int) -> Report:
    return report(worker, events={"clicks": (9, 0, letters)}, **given)


def test_what_comes_is_told_for_five_minutes() -> None:
    recent = RecentLetters()
    recent.take([of(7)], 100.0)
    assert (recent.count, recent.minutes) == (0, 5), "of the first look it is not known when they came"
    recent.take([of(9)], 101.0)
    assert (recent.count, recent.minutes) == (2, 5)
    recent.take([of(9)], 101.0 + WINDOW_S)
    assert recent.count == 2
    recent.take([of(9)], 102.0 + WINDOW_S)
    assert recent.count == 0


def test_what_came_while_nobody_looked_is_told_with_that_time() -> None:
    recent = RecentLetters()
    recent.take([of(0)], 0.0)
    recent.take([of(4)], 3_550.0)
    assert (recent.count, recent.minutes) == (4, 60)
    recent.take([of(5)], 3_560.0)
    assert (recent.count, recent.minutes) == (5, 60)
    recent.take([of(5)], 3_555.0 + WINDOW_S)
    assert (recent.count, recent.minutes) == (1, 6), "the look before the last one was ten seconds earlier"


def test_a_worker_that_begins_counts_from_nothing() -> None:
    recent = RecentLetters()
    recent.take([of(7)], 0.0)
    recent.take([of(2, began_ms=900), of(1, "b:1")], 1.0)
    assert recent.count == 3


def test_a_worker_that_is_silent_for_a_while_is_not_counted_twice() -> None:
    recent = RecentLetters()
    recent.take([of(7), of(0, "b:1")], 0.0)
    recent.take([of(0, "b:1")], 10.0)
    recent.take([of(8), of(0, "b:1")], 20.0)
    assert recent.count == 1
    recent.take([of(0, "b:1")], 20.0 + FORGET_S)
    assert "a:1" not in recent._before
