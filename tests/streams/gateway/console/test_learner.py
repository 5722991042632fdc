"""What happened in a learner's levels, in its order, and when it was noted."""

from __future__ import annotations

import math

import pytest

from streams.gateway.admin.learner import (
    GuardView,
    LearnerCourse,
    LearnerView,
    LevelTime,
    LevelView,
    MarkView,
)
from streams.gateway.console.learner import counted, events, noted_by, wealth


def guard(
    on: bool, switches: list[int], wealth_of: list[float | None], at: float | None = 100.0
) -> GuardView:
    return GuardView(on, 0.0, switches, "adapted" if on else "frozen", at, wealth_of, 5)


def view(levels: dict[str, LevelView], counts: dict[str, int] | None = None) -> LearnerView:
    return LearnerView(1, "1-0", True, counts or {}, [], levels, [], {})


NOTED = LevelTime([10, 20, 30], [5, 50, 90], {}, [0, 0, 0], [False, True, True], [0, 0, 0])


def test_switches_and_marks_are_told_the_latest_first() -> None:
    level = LevelView({}, {}, 95, guard(True, [40, 70, 92], [1.0]), [MarkView("ADWIN", 60)])
    found = events(view({"global": level}), LearnerCourse({"global": NOTED}))
    assert [(each.kind, each.lesson, each.by_ms) for each in found] == [
        ("out", 70, 30),
        ("drift", 60, 30),
        ("in", 40, 20),
        ("in", 92, None),
    ]


@pytest.mark.parametrize(("lesson", "by_ms"), [(5, None), (1, None), (6, 20), (50, 20), (51, 30), (91, None)])
def test_a_lesson_was_noted_by_the_first_point_that_had_it(lesson: int, by_ms: int | None) -> None:
    assert noted_by(NOTED, lesson) == by_ms
    assert noted_by(None, lesson) is None


def test_the_curve_that_decides_is_the_one_that_is_shown() -> None:
    assert wealth(guard(True, [], [2.0, 10.0])) == pytest.approx((10.0, math.log(10) / math.log(100)))
    assert wealth(guard(False, [], [2.0, 10.0])) == pytest.approx((2.0, math.log(2) / math.log(100)))
    assert wealth(guard(False, [], [0.01])) == (0.01, 0.0)
    assert wealth(guard(True, [], [1e9])) == (1e9, 1.0)
    assert wealth(guard(True, [], [1.0], None)) is None


def test_kinds_of_lessons_that_never_came_are_left_out() -> None:
    assert counted(view({}, {"a": 1, "b": 0, "c": 3})) == [("c", 3), ("a", 1)]
