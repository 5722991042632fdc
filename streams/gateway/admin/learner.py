"""/v1/admin/learner: what was learned from answers: weights, guards, marks of drift, earnings of sources."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Literal

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from model.errors import StoreError
from streams.gateway.admin.replies import READ, StoreCalls
from streams.gateway.answers import json_answer, response
from streams.gateway.errors import ProblemError, problem, unavailable
from streams.gateway.feeds import NO_STORE
from streams.serving.learner_course import Course, read_course
from streams.settings.tree import Settings
from streams.stores.base import Store
from streams.stores.ledger_entries import order_of

if TYPE_CHECKING:
    from streams.learning.experts.guard import GuardState

PATH = "/v1/admin/learner"


class GuardView(msgspec.Struct):
    """`on`: the adapted order is served. `in_force`: the order that is served; the guard bets against it, and
    serves the other one once it holds `switches_at`; null for no guard. `evidence`: the logarithm of what it
    holds. `wealth`: what it holds under each of its curves and, where there are trials, last by these; each
    began with 1, and what it holds is the mean of the curve that decides and of trials.
    `slates`: so many it has bet on since it switched, or began. `switches`: at which of the level's lessons
    it switched, the latest ones.
    """

    on: bool
    evidence: float | None
    switches: list[int]
    in_force: Literal["adapted", "frozen"]
    switches_at: float | None
    wealth: list[float | None]
    slates: int


class MarkView(msgspec.Struct):
    """A detector of drift saw a change at this lesson of the level."""

    detector: str
    lesson: int


class LevelView(msgspec.Struct):
    """Of a level: the weights of its experts; their mean losses in a choice of late, in nats, with that of
    the mixture under "mixture" (null: none yet); how many lessons made a choice.
    """

    weights: dict[str, float | None]
    losses: dict[str, float | None]
    lessons: int
    guard: GuardView
    marks: list[MarkView]


class EarnedView(msgspec.Struct):
    """Of a source: its clicks, the places that were looked at, and clicks a place."""

    clicks: float
    places: float
    rate: float


class LearnerView(msgspec.Struct):
    """As of the snapshot that a worker saved last. `as_of_ms`: when that was, ms since the epoch.
    `learned_to`: the place in the ledger. `adapts`: an arm adapts its scores; else lessons are only counted,
    and `levels` is empty. `levels` are named "global", "arm:NAME" and "segment:NAME". `chances`: of each
    place to be looked at, the first one's being 1. `sources`: what they earned, where quotas follow that.
    """

    as_of_ms: int
    learned_to: str
    adapts: bool
    counts: dict[str, int]
    signals: list[str]
    levels: dict[str, LevelView]
    chances: list[float]
    sources: dict[str, EarnedView]


class LevelTime(msgspec.Struct):
    """A level over time, a value for each of `times` (ms since the epoch; the oldest first): `lessons` that
    made a choice, the `weights` of its experts by name, the mixture's mean `loss` in a choice of late in
    nats, whether the adapted order was served (`on`), and the guard's `evidence` as a logarithm.
    """

    times: list[int]
    lessons: list[int]
    weights: dict[str, list[float | None]]
    loss: list[float | None]
    on: list[bool]
    evidence: list[float | None]


class LearnerCourse(msgspec.Struct):
    """What was noted of each level since it was first seen, every `worker.note_sums_every_s` in which it
    learned; of a long time ever more coarsely. Empty where no arm adapts its scores.
    """

    levels: dict[str, LevelTime]


class LearnerAnswers:
    """The last answer is kept until there is another snapshot: to read one takes time."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings, self._store = settings, store
        self._calls, self._lock = StoreCalls(settings.gateway), asyncio.Lock()
        self._last: tuple[str, LearnerView] | None = None

    async def now(self) -> LearnerView:
        """What the newest snapshot says; raises `ProblemError` where there is none."""
        async with self._lock:
            async with self._calls.answering():
                snapshot = await self._store.snapshot()
            if snapshot is None:
                raise ProblemError(
                    problem(
                        404,
                        "no_snapshot",
                        expected="a snapshot in the store",
                        came="none yet",
                        remedy="wait until a worker has saved one: worker.snapshot_every_s after its start",
                    )
                )
            if self._last is None or self._last[0] != snapshot.position:
                try:
                    view = await asyncio.to_thread(_view, self._settings, snapshot.payload, snapshot.position)
                except StoreError as error:
                    wait_s = self._settings.gateway.retry_after_s
                    raise unavailable("store", str(error), wait_s) from None
                self._last = snapshot.position, view
            return self._last[1]

    async def course(self) -> LearnerCourse:
        """What was noted over time."""
        async with self._calls.answering():
            return course_view(await read_course(self._store))


def course_view(course: Course) -> LearnerCourse:
    """The series of each level."""
    levels: dict[str, LevelTime] = {}
    for point in course.points:
        for name, level in point.levels.items():
            told = levels.setdefault(name, LevelTime([], [], {}, [], [], []))
            told.times.append(point.ts)
            told.lessons.append(level.lessons)
            for expert, weight in zip(course.experts, level.weights, strict=False):
                told.weights.setdefault(expert, []).append(weight)
            told.loss.append(level.loss)
            told.on.append(level.on)
            told.evidence.append(level.evidence)
    return LearnerCourse(levels)


def _view(settings: Settings, payload: bytes, position: str) -> LearnerView:
    # Imported here: a gateway of which nobody asks this does without the stages.
    from streams.serving.learned import learned

    found = learned(settings, payload, position)
    report = found.report
    levels = {} if report is None else report.levels
    return LearnerView(
        as_of_ms=order_of(position)[0],
        learned_to=found.learned_to,
        adapts=report is not None,
        counts=dict(found.counts),
        signals=[] if report is None else list(report.signals),
        levels={
            name: LevelView(
                dict(told.weights),
                dict(told.losses),
                told.lessons,
                _guard(told.guard, settings.reweighting.guard_alpha),
                [MarkView(mark.detector, mark.lesson) for mark in told.marks],
            )
            for name, told in levels.items()
        },
        chances=[] if report is None else list(report.examination.chance),
        sources={name: EarnedView(*earned) for name, earned in found.earned.items()},
    )


def _guard(guard: GuardState, alpha: float) -> GuardView:
    return GuardView(
        guard.on,
        guard.evidence,
        list(guard.switches),
        "adapted" if guard.on else "frozen",
        1.0 / alpha if alpha else None,
        [*guard.wealth],
        guard.slates,
    )


def learner_routes(answers: LearnerAnswers) -> list[HTTPRouteHandler]:
    """The routes that tell it."""

    @get(PATH, summary="What was learned from answers", tags=["learner"], responses=READ)
    async def get_learner() -> Response[LearnerView]:
        return response(json_answer(200, await answers.now(), headers=NO_STORE))

    @get(f"{PATH}/course", summary="What was learned over time", tags=["learner"], responses=READ)
    async def get_learner_course() -> Response[LearnerCourse]:
        return response(json_answer(200, await answers.course(), headers=NO_STORE))

    return [get_learner, get_learner_course]
