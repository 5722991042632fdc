"""GET /console/learner: what was learned from answers: experts over time, guards, marks of drift."""

from __future__ import annotations

import bisect
import math
from typing import Any, NamedTuple

import msgspec
from litestar import Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.response import Template

from streams.gateway.admin.learner import (
    GuardView,
    LearnerAnswers,
    LearnerCourse,
    LearnerView,
    LevelTime,
    LevelView,
)
from streams.gateway.console.answered import tried
from streams.gateway.console.showing import show

Asked = Request[Any, Any, Any]
LOG_MOST = 200


class Event(NamedTuple):
    """Something that happened in a level at one of its lessons. `kind`: "drift", "in" (the adapted order came
    into force) or "out". `by_ms`: it was noted by then; None where that is not known.
    """

    level: str
    kind: str
    detector: str
    lesson: int
    by_ms: int | None


def learner_page(answers: LearnerAnswers) -> HTTPRouteHandler:
    """The page."""

    async def both() -> tuple[LearnerView | None, LearnerCourse]:
        return await answers.now(), await answers.course()

    @get("/learner", name="console.learner")
    async def learner(request: Asked) -> Template:
        (view, course), trouble = await tried(both(), (None, LearnerCourse({})))
        log = [] if view is None else events(view, course)
        return show(
            request,
            "learner",
            view=view,
            trouble=trouble,
            log=log[:LOG_MOST],
            counts=[] if view is None else counted(view),
            course=msgspec.to_builtins(course),
            marks=[[each.level, each.kind, each.lesson] for each in log],
            wealth={name: wealth(each.guard) for name, each in (view.levels if view else {}).items()},
            limits={name: limit(each.guard) for name, each in (view.levels if view else {}).items()},
        )

    return learner


def counted(view: LearnerView) -> list[tuple[str, int]]:
    """How many lessons there were of each kind, the most first, without those that never came."""
    return sorted(((kind, n) for kind, n in view.counts.items() if n), key=lambda each: (-each[1], each[0]))


def wealth(guard: GuardView) -> tuple[float, float] | None:
    """What the guard holds, and how far that is on the way to a switch, from 0 to 1; None where there is no
    guard.
    """
    most = limit(guard)
    if most is None or guard.evidence is None:
        return None
    return math.exp(guard.evidence), min(1.0, max(0.0, guard.evidence / most))


def limit(guard: GuardView) -> float | None:
    """At which evidence (a logarithm) the guard switches."""
    return None if guard.switches_at is None else math.log(guard.switches_at)


def events(view: LearnerView, course: LearnerCourse) -> list[Event]:
    """What happened in all levels, the latest first: those that were noted by a time, then the others."""
    found = [
        event
        for name, level in view.levels.items()
        for event in _of_level(name, level, course.levels.get(name))
    ]
    return sorted(found, key=lambda each: (-(each.by_ms or 0), -each.lesson))


def _of_level(name: str, level: LevelView, noted: LevelTime | None) -> list[Event]:
    found = [
        Event(name, "drift", mark.detector, mark.lesson, noted_by(noted, mark.lesson)) for mark in level.marks
    ]
    on = level.guard.on
    for lesson in reversed(level.guard.switches):  # each turned what was before
        found.append(Event(name, "in" if on else "out", "", lesson, noted_by(noted, lesson)))
        on = not on
    return found


def noted_by(noted: LevelTime | None, lesson: int) -> int | None:
    """The time of the first point that had this lesson; None where none did, or the first one had it."""
    if noted is None:
        return None
    at = bisect.bisect_left(noted.lessons, lesson)
    return noted.times[at] if 0 < at < len(noted.times) else None
