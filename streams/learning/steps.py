"""What one event, or one new slate, does to a user's kept slates: close, then change, then bound. Pure.

It is the user's next event that closes what has timed out, by its own time; no clock does. So a redelivered
stream closes the same slates with the same lessons, in whichever worker. A slate of a user who never comes
back becomes no lesson: it expires with what is kept.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from streams.events.schema import Click, Impression, Review
from streams.learning.join import JOINED, JoinedAnswer, answered, bounded, closed, made, shown
from streams.learning.kept_slates import (
    NEVER,
    PLACED_KEPT,
    Answer,
    KeptSlate,
    Slates,
    UserSlates,
    place_code,
)
from streams.learning.lesson import Lesson
from streams.state.fold import event_key
from streams.state.ledger import NO_PROPENSITIES, Showing
from streams.state.user_state import EVENT_ID_BYTES, Interaction

REMEMBERED = 0.9
"""Of what a user saw and chose on slates, with each further one."""


class Bounds(NamedTuple):
    """`wait_ms`: how long a slate waits; `slates` and `bytes`: how much is kept of a user at most, besides
    the keys of `recent` impressions. `good`: the codes of actions that say something good.
    """

    wait_ms: int
    slates: int
    bytes: int
    recent: int
    good: frozenset[int] = frozenset()


class Step(NamedTuple):
    """What is kept afterwards, the lessons of those that were closed, and what became of the event."""

    kept: UserSlates
    lessons: list[Lesson]
    outcome: str = ""


class ShowingStep(NamedTuple):
    """The same of an impression; `showing` is None where it showed nothing new."""

    kept: UserSlates
    lessons: list[Lesson]
    outcome: str
    showing: Showing | None


class AnswerStep(NamedTuple):
    """The same of an answer; `interaction` says where it came from, `slate` is what it was joined with, as it
    was before; None for none.
    """

    kept: UserSlates
    lessons: list[Lesson]
    outcome: str
    interaction: Interaction
    slate: KeptSlate | None = None


def on_impression(kept: UserSlates, event: Impression, rows: Sequence[int], bounds: Bounds) -> ShowingStep:
    """An impression; `rows` of its items in their order. One that was sent before changes nothing, and one
    that shows nothing new is not remembered: it would show nothing new again.
    """
    key = event_key(event.event_id)
    if _is_recent(kept.recent, key):
        return ShowingStep(kept, [], "duplicate", None)
    waiting = closed(event.user_id, kept.slates, event.ts, bounds.wait_ms)
    told = event.propensities or ()
    marked = shown(
        waiting.slates,
        event.slate_id,
        event.ts,
        rows,
        told,
        event.arm,
        event.model,
        event.surface,
        event.teams or (),
    )
    if not marked.fresh:
        after = _with(kept, marked.slates, waiting.lessons, bounds)
        return ShowingStep(after, waiting.lessons, marked.outcome, None)
    left = bounded(event.user_id, marked.slates, bounds.slates, bounds.bytes)
    recent = (kept.recent + key)[-EVENT_ID_BYTES * bounds.recent :]
    showing = Showing(
        np.array([rows[k] for k in marked.fresh], np.int32),
        event.user_id,
        event.slate_id,
        event.arm,
        np.array([told[k] for k in marked.fresh], np.float32) if told else NO_PROPENSITIES,
    )
    lessons = waiting.lessons + left.lessons
    after = _with(kept, left.slates, lessons, bounds)._replace(recent=recent)
    return ShowingStep(after, lessons, marked.outcome, showing)


def _is_recent(recent: bytes, key: bytes) -> bool:
    """Whether a key is among those that lie end to end."""
    at = recent.find(key)
    while at >= 0 and at % EVENT_ID_BYTES:
        at = recent.find(key, at + 1)
    return at >= 0


def on_answer(
    kept: UserSlates,
    event: Click | Review,
    interaction: Interaction,
    bounds: Bounds,
    joined: JoinedAnswer | None = None,
) -> AnswerStep:
    """A click or a review that was applied as `interaction`. joined: what `joined_with` says of the slates of
    `kept`, where it was asked already; it holds as long as none of them is closed.
    """
    waiting = closed(event.user_id, kept.slates, event.ts, bounds.wait_ms)
    if joined is None or waiting.slates is not kept.slates:
        joined = joined_with(waiting.slates, event, interaction.row, interaction.action, bounds)
    slates, lessons = joined.slates, waiting.lessons
    if slates is not waiting.slates:  # it has an answer more
        slates, fallen = bounded(event.user_id, slates, bounds.slates, bounds.bytes)
        lessons = lessons + fallen
    after = _with(kept, slates, lessons, bounds)
    return AnswerStep(after, lessons, joined.outcome, _from(joined, interaction), joined.slate)


def joined_with(slates: Slates, event: Click | Review, row: int, action: int, bounds: Bounds) -> JoinedAnswer:
    """The slate that an event on an item came from. The value of a review is its rating."""
    value = event.rating if isinstance(event, Review) else event.value
    answer = Answer(
        row,
        action,
        math.nan if value is None else value,
        event.ts,
        -1 if event.position is None else event.position,
    )
    return answered(slates, event.slate_id, answer, bounds.wait_ms)


def on_made(user: str, kept: UserSlates, slate: KeptSlate, bounds: Bounds) -> Step:
    """A slate was made for the user. It closes nothing by its time, which is no event's."""
    left = bounded(user, made(kept.slates, slate), bounds.slates, bounds.bytes)
    return Step(_with(kept, left.slates, left.lessons, bounds), left.lessons)


def on_time(user: str, kept: UserSlates, ts: int, bounds: Bounds) -> Step:
    """Nothing came, and it is `ts`: what has waited long enough is closed."""
    left = closed(user, kept.slates, ts, bounds.wait_ms)
    return Step(_with(kept, left.slates, left.lessons, bounds), left.lessons)


def _with(kept: UserSlates, slates: Slates, lessons: Sequence[Lesson], bounds: Bounds) -> UserSlates:
    """The same object where nothing changed, which then needs no write. `lessons`: of what was closed."""
    if slates is kept.slates:
        return kept
    seen, chosen, placed = kept.seen, kept.chosen, kept.placed
    for lesson in lessons:
        if lesson.shown_ms == NEVER:
            continue
        good = {each.place for each in lesson.answers if each.action in bounds.good}
        seen, chosen = REMEMBERED * seen + lesson.places, REMEMBERED * chosen + len(good)
        placed += bytes(place_code(place, lesson.places) for place in sorted(good))
    return UserSlates(slates, kept.recent, seen, chosen, placed[-PLACED_KEPT:], kept.forgotten_ms)


def _from(joined: JoinedAnswer, interaction: Interaction) -> Interaction:
    """What the event did not say itself is said by its slate."""
    slate = joined.slate
    if slate is None or joined.outcome not in JOINED:
        return interaction
    return interaction._replace(
        slate_id=interaction.slate_id or slate.slate_id,
        surface=interaction.surface or slate.surface,
        arm=interaction.arm or slate.arm,
    )
