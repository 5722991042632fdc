"""What the learner came to, over time: the worker that leads notes it now and then, for whoever asks later.

The series is one note in the store, and bounded: of more than `POINTS_MOST` points every second one goes, but
for the newest. So all of the time stays, ever more coarsely. Where nothing was learned, nothing is noted.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from model.errors import FencedError, NewerVersionError, StoreError
from streams.state.stored_format import decoded_by_head
from streams.stores.base import Store
from streams.stores.commit import digest_of

if TYPE_CHECKING:  # who only reads the series does without the learner
    from streams.learning.experts.adaptive_learner import LearnerReport
    from streams.learning.experts.level_state import LevelReport

log = logging.getLogger(__name__)

VERSION = 1
NOTE = "learner-course"
KEPT_MS = 90 * 86_400_000
"""So long after the last point the series is forgotten."""
POINTS_MOST = 240
LEVELS_MOST = 12
"""So many levels are noted besides the global one: those with the most lessons."""


class LevelPoint(msgspec.Struct, array_like=True, frozen=True):
    """A level at a time: how many lessons made a choice, the weights of its experts in the order of
    `Course.experts`, the mixture's mean loss in a choice of late (nats), whether the adapted order was
    served, and the guard's evidence against what was served, as a logarithm. A level below the global one
    has the weight of the global mixture behind the others.
    """

    lessons: int
    weights: list[float]
    loss: float
    on: bool
    evidence: float


class Point(msgspec.Struct, array_like=True, frozen=True):
    """All levels at a time, ms since the epoch."""

    ts: int
    levels: dict[str, LevelPoint]


class Course(msgspec.Struct, array_like=True, frozen=True):
    """The points, the oldest first. `experts`: their names, and behind them that of the global mixture."""

    version: int = VERSION
    experts: list[str] = []
    points: list[Point] = []


_decoder = msgspec.msgpack.Decoder(Course)


def encode_course(course: Course) -> bytes:
    """The series as it is stored."""
    return msgspec.msgpack.encode(course)


def decode_course(raw: bytes) -> Course:
    """What `encode_course` wrote; raises `StoreError`."""
    return decoded_by_head("course of the learner", _decoder, raw, VERSION)


async def read_course(store: Store) -> Course:
    """The series; an empty one where there is none, or none that can be read.

    Raises `StoreUnavailableError`, and `NewerVersionError` for one of a newer build.
    """
    (raw,) = await store.notes([NOTE])
    return _readable(raw)


async def note_course(store: Store, report: LearnerReport, now_ms: int) -> bool:
    """Put what was learned by now behind the series; False where it was not.

    Raises `StoreUnavailableError`.
    """
    (raw,) = await store.notes([NOTE])
    try:
        before = _readable(raw)
    except NewerVersionError as error:  # a worker of a newer build led before: its series stays whole
        log.warning("%s", error)
        return False
    after = with_point(before, point_of(report, now_ms), _experts(report))
    if after is before:
        return False
    try:
        await store.put_note(NOTE, encode_course(after), digest_of(raw), KEPT_MS)
    except FencedError as error:  # another worker leads by now
        log.info("what was learned is not noted: %s", error)
        return False
    return True


def with_point(course: Course, point: Point, experts: Sequence[str]) -> Course:
    """The series with one more point; the same one where nothing was learned since its last point. What was
    noted of other experts is left out.
    """
    points = course.points if course.experts == [*experts] else []
    if points and _lessons(points[-1]) == _lessons(point):
        return course
    points = [*points, point]
    if len(points) > POINTS_MOST:
        points = [*points[:-1:2], points[-1]]
    return Course(VERSION, [*experts], points)


def point_of(report: LearnerReport, now_ms: int) -> Point:
    """What is noted of a report."""
    from streams.learning.experts.level_state import GLOBAL

    below = sorted(
        (name for name in report.levels if name != GLOBAL), key=lambda name: -report.levels[name].lessons
    )
    kept = [name for name in (GLOBAL, *below[:LEVELS_MOST]) if name in report.levels]
    return Point(now_ms, {name: _point(report.levels[name]) for name in kept})


def _point(level: LevelReport) -> LevelPoint:
    from streams.learning.experts.level_state import MIXTURE

    return LevelPoint(
        level.lessons,
        [round(weight, 5) for weight in level.weights.values()],
        round(level.losses.get(MIXTURE, 0.0), 5),
        level.guard.on,
        round(level.guard.evidence, 5),
    )


def _experts(report: LearnerReport) -> list[str]:
    from streams.learning.experts.level_state import GLOBAL

    level = report.levels.get(GLOBAL)
    return [] if level is None else [*level.weights, GLOBAL]


def _lessons(point: Point) -> dict[str, int]:
    return {name: level.lessons for name, level in point.levels.items()}


def _readable(raw: bytes | None) -> Course:
    if raw is None:
        return Course()
    try:
        return decode_course(raw)
    except NewerVersionError:
        raise
    except StoreError as error:
        log.warning("the learner's course begins anew: %s", error)
        return Course()
