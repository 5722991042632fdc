"""Lessons are learned in the order of the ledger, by every process, its own ones too.

What is learned depends on the order of the lessons, and only the ledger has one that all processes share. So
no process learns from a slate when it closes it, but when the ledger brings it, behind what others wrote
before. What a learner knows is then a function of the ledger up to one place (`Recommender.learned_to`),
which is kept with it: an entry that comes again teaches nothing, and none is passed over.

All of this runs in the core's thread.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import NamedTuple

from streams.learning.experts.adaptive_learner import LearnerReport
from streams.learning.lesson import Lesson, decode_lesson
from streams.recommender import Recommender
from streams.state.ledger import lessons_in
from streams.stores.ledger_entries import LedgerEntry, order_of

log = logging.getLogger(__name__)


class EntryLessons(NamedTuple):
    """The lessons of the ledger entry at `position`."""

    position: str
    lessons: list[Lesson]


def taught_by(entry: LedgerEntry) -> EntryLessons:
    """The lessons of an entry of which nothing else is asked; `StoreError` where it can't be read."""
    return EntryLessons(entry.position, [decode_lesson(raw) for raw in lessons_in(entry.payload)])


def learn(recommender: Recommender, after: str, entries: Sequence[EntryLessons]) -> bool:
    """Learn what the ledger holds behind `after`, as far as it is not learned yet.

    False for a learner that has not come to `after`: it learns nothing of it, for what lies between would be
    passed over.
    """
    if order_of(recommender.learned_to) < order_of(after):
        return False
    came = 0
    for entry in entries:
        if order_of(entry.position) > order_of(recommender.learned_to):
            recommender.learn(entry.lessons)
            recommender.learned_to = entry.position
            came += len(entry.lessons)
    if came:
        before = recommender.report
        recommender.look_back()
        _tell(before, recommender.report)
    return True


def _tell(before: LearnerReport | None, now: LearnerReport | None) -> None:
    """Log where a guard has switched, and where a detector has marked a change."""
    for level, told in now.levels.items() if now is not None else ():
        was = before.levels.get(level) if before is not None else None
        if was is None:
            continue
        if told.guard.on != was.guard.on:
            log.warning(
                "what was learned is %s for the level %s, at its lesson %d",
                "used from here on" if told.guard.on else "no longer used (the frozen order is better)",
                level,
                told.lessons,
            )
        since = was.marks[-1].lesson if was.marks else 0
        for mark in told.marks:
            if mark.lesson > since:
                log.info(
                    "%s marks a change of the loss of level %s at its lesson %d",
                    mark.detector,
                    level,
                    mark.lesson,
                )
