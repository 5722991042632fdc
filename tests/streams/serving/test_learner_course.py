"""The learner's series: bounded, from its beginning on, and never in the way of what is served."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.errors import NewerVersionError
from streams.learning.experts.adaptive_learner import LearnerReport
from streams.learning.experts.drift import Mark
from streams.learning.experts.examination import ExaminationState
from streams.learning.experts.guard import GuardState
from streams.learning.experts.level_state import GLOBAL, MIXTURE, LevelReport
from streams.serving.learner_course import (
    LEVELS_MOST,
    NOTE,
    POINTS_MOST,
    Course,
    LevelPoint,
    Point,
    decode_course,
    encode_course,
    note_course,
    point_of,
    read_course,
    with_point,
)
from streams.stores.commit import digest_of
from streams.stores.memory import MemoryStore

EXPERTS = ["frozen", "kalman:1", GLOBAL]
GUARD = GuardState(True, -0.25, (3,), 4, (0.5, 0.75))


def level(lessons: int, **more: float) -> LevelReport:
    weights = {"frozen": 0.75, "kalman:1": 0.25, **more}
    return LevelReport(weights, {MIXTURE: 0.5}, lessons, GUARD, [Mark("ADWIN", 2)])


def report(lessons: int, **below: int) -> LearnerReport:
    levels = {GLOBAL: level(lessons)} | {
        f"arm:{name}": level(n, **{GLOBAL: 0.0}) for name, n in below.items()
    }
    return LearnerReport(["base"], levels, ExaminationState((1.0,), ()))


def point(ts: int, lessons: int) -> Point:
    return Point(ts, {GLOBAL: LevelPoint(lessons, [1.0], 0.5, False, 0.0)})


@given(st.integers(1, 1_500))
def test_the_series_is_bounded_and_keeps_its_ends(count: int) -> None:
    course = Course()
    for at in range(count):
        course = with_point(course, point(at, at), EXPERTS)
        assert len(course.points) <= POINTS_MOST
        assert (course.points[0].ts, course.points[-1].ts) == (0, at)
    times = [each.ts for each in course.points]
    assert times == sorted(set(times))


def test_a_point_in_which_nothing_was_learned_is_none() -> None:
    course = with_point(Course(), point(1, 5), EXPERTS)
    assert with_point(course, point(2, 5), EXPERTS) is course
    assert len(with_point(course, point(2, 6), EXPERTS).points) == 2


def test_other_experts_begin_a_series_of_their_own() -> None:
    course = with_point(Course(), point(1, 5), EXPERTS)
    assert with_point(course, point(2, 6), ["frozen", GLOBAL]).points == [point(2, 6)]


def test_of_many_levels_those_with_the_most_lessons_are_noted() -> None:
    many = {f"a{n}": n for n in range(LEVELS_MOST + 4)}
    noted = point_of(report(100, **many), 1)
    assert [*noted.levels] == [GLOBAL, *(f"arm:a{n}" for n in reversed(range(4, LEVELS_MOST + 4)))]
    assert noted.levels[GLOBAL] == LevelPoint(100, [0.75, 0.25], 0.5, True, -0.25)
    assert noted.levels["arm:a9"].weights == [0.75, 0.25, 0.0]


async def test_it_is_noted_in_the_store_and_read_again() -> None:
    store = MemoryStore()
    assert (await read_course(store)).points == []
    assert await note_course(store, report(1), 10)
    assert not await note_course(store, report(1), 11)
    assert await note_course(store, report(3, bold=2), 12)
    course = await read_course(store)
    assert course.experts == EXPERTS
    assert [(each.ts, [*each.levels]) for each in course.points] == [
        (10, [GLOBAL]),
        (12, [GLOBAL, "arm:bold"]),
    ]
    assert decode_course(encode_course(course)) == course


async def test_what_is_damaged_begins_anew_and_what_is_newer_stays() -> None:
    store = MemoryStore()
    await store.put_note(NOTE, b"damaged", "", 1_000_000)
    assert await note_course(store, report(1), 10)
    raw = encode_course(Course(version=2))
    (found,) = await store.notes([NOTE])
    await store.put_note(NOTE, raw, digest_of(found), 1_000_000)
    assert not await note_course(store, report(4), 11)
    assert await store.notes([NOTE]) == [raw]
    with pytest.raises(NewerVersionError):
        await read_course(store)
