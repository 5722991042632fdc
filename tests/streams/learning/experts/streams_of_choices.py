"""Lessons for tests: slates of which a user chooses by known weights."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from streams.learning.lesson import Lesson, LessonAnswer
from streams.learning.looks import digest_of_names

CLICK, SKIP, REVIEW, DISLIKE = 1, 6, 7, 8
COLUMNS = ("age", "base", "popular_short", "follows", "text_last")
HOUR_MS = 3_600_000
SHOWN_MS = 480_000 * HOUR_MS


def lesson(
    features: NDArray[np.float64],
    answers: Sequence[LessonAnswer] = (),
    user: str = "u",
    arm: str = "default",
    surface: str = "feed",
    rows: Sequence[int] | None = None,
    shown_ms: int = SHOWN_MS,
    columns: Sequence[str] = COLUMNS,
    named: int = -1,
) -> Lesson:
    """A lesson of places with these features, [n, len(columns)], the first `named` of which were shown."""
    rows = range(len(features)) if rows is None else rows
    return Lesson(
        1,
        user,
        "s",
        arm,
        "m",
        surface,
        shown_ms,
        np.array(rows, "<i4").tobytes(),
        np.asarray(features, "<f2").tobytes(),
        digest_of_names(columns),
        b"",
        tuple(answers),
        named=named,
    )


def did(place: int, action: int = CLICK, value: float = math.nan, delay_ms: int = 1_000) -> LessonAnswer:
    return LessonAnswer(place, action, value, delay_ms)


def any_answers(rng: np.random.Generator, places: int) -> list[LessonAnswer]:
    """Up to five answers to any of so many places: good ones, bad ones, such as say neither, unknown ones."""
    return [
        did(int(rng.integers(places)), int(rng.choice([CLICK, SKIP, DISLIKE, 5, 200])), delay_ms=int(d))
        for d in rng.integers(0, 1_000, size=rng.integers(0, 6))
    ]


def clicks(
    rng: np.random.Generator,
    weights: Sequence[float],
    count: int,
    places: int = 10,
    eta: float = 0.0,
    arm: str = "default",
    surface: str = "feed",
) -> Iterator[Lesson]:
    """So many slates of random places and items; the user of each clicks one by a softmax of weights .
    columns, of which a place r is looked at in proportion to r ** -eta. Each user has one slate.
    """
    seen = -eta * np.log(np.arange(1, places + 1))
    for n in range(count):
        features = rng.normal(size=(places, len(weights)))
        utility = features @ np.asarray(weights) + seen
        place = int(np.argmax(utility + rng.gumbel(size=places)))
        rows, user = rng.integers(0, 100_000, places).tolist(), f"u{rng.integers(10**12)}"
        yield lesson(features, [did(place)], user, arm, surface, rows, SHOWN_MS + 1_000 * n)
