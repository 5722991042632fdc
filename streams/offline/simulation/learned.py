"""What the learner of a world had come to, now and then, for the plot of its experts' weights."""

from __future__ import annotations

from typing import NamedTuple

from streams.learning.experts.level_state import GLOBAL
from streams.recommender import Recommender


class LearnerLook(NamedTuple):
    """At a visit: the weight of each expert of the global level, whether the guard lets it serve, how many
    lessons made a choice, and at which of these lessons detectors marked a change.
    """

    number: int
    weights: dict[str, float]
    on: bool
    lessons: int
    marks: list[tuple[str, int]]


def look_at(recommender: Recommender, number: int) -> LearnerLook | None:
    """None where the learner only counts."""
    recommender.look_back()
    if recommender.report is None:
        return None
    level = recommender.report.levels[GLOBAL]
    marks = [(mark.detector, mark.lesson) for mark in level.marks]
    return LearnerLook(number, dict(level.weights), level.guard.on, level.lessons, marks)
