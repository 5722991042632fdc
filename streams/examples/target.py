"""What an event is about to teach: the item that was met, and the slate that it came from."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from model.schema import F32
from streams.events.schema import Click, Review, UserEvent
from streams.learning.join import JOINED, closed
from streams.learning.kept_slates import NEVER, NOTHING_KEPT, KeptSlate, UserSlates
from streams.learning.looks import NO_NUMBERS
from streams.learning.steps import joined_with
from streams.recommender import Recommender
from streams.state.event_meaning import NO_VECTORS, Vectors
from streams.state.user_state import NO_ROWS, Rows, UserState


class Source(NamedTuple):
    """Where an interaction came from, as `streams.state.user_state.Interaction` has it. `shown`: the rows of
    the slate that it was joined with, `propensities` theirs (NaN: not known) or none. `chosen`: it is the
    first answer on its place of a slate that an impression told of. So it was a choice among what was shown,
    whatever the user had met before. `passed`: the rows of that slate which have no answer.
    """

    slate_id: str = ""
    position: int = -1
    value: float = math.nan
    surface: str = ""
    arm: str = ""
    shown: Rows = NO_ROWS
    propensities: F32 = NO_NUMBERS
    chosen: bool = False
    passed: tuple[int, ...] = ()


NOWHERE = Source()


class Target(NamedTuple):
    """What is about to be learned: `row` was met, with this action and rating (NaN: none), after a search for
    `searched` (None: after none), out of `source`.
    """

    row: int
    action: int
    rating: float
    searched: F32 | None = None
    source: Source = NOWHERE


def target_of(
    recommender: Recommender,
    state: UserState,
    event: UserEvent,
    vectors: Vectors = NO_VECTORS,
    kept: UserSlates = NOTHING_KEPT,
) -> Target | None:
    """What an event is about to teach; None where it is no interaction, or is no example: its item is unknown
    till now, or the user has consumed it already, and it was not chosen from a slate either. `kept`: of the
    user's slates.
    """
    if not isinstance(event, Click | Review):
        return None
    row = recommender.catalog.rows.get(event.item_id)
    if row is None:
        return None
    source = _source(recommender, event, row, kept)
    open_to_all = recommender.knows(row) and not recommender.met_for_good(state, row)
    if not open_to_all and not source.chosen:
        return None
    rating = event.rating if isinstance(event, Review) and event.rating is not None else math.nan
    return Target(row, recommender.meanings.code(event), rating, vectors.searched, source)


def _source(recommender: Recommender, event: Click | Review, row: int, kept: UserSlates) -> Source:
    """What the event says of where it came from, else what its slate says."""
    waiting = closed(event.user_id, kept.slates, event.ts, recommender.bounds.wait_ms).slates
    joined = joined_with(waiting, event, row, recommender.meanings.code(event), recommender.bounds)
    slate = joined.slate if joined.outcome in JOINED else None
    told = Source(
        slate_id=event.slate_id or "",
        position=-1 if event.position is None else event.position,
        value=math.nan if event.value is None else event.value,
        surface=event.surface or "",
        arm=event.arm or "",
    )
    if slate is None:
        return told
    was_shown = slate.shown_ms != NEVER
    answered = {answer.row for answer in slate.answers}
    return told._replace(
        slate_id=told.slate_id or slate.slate_id,
        surface=told.surface or slate.surface,
        arm=told.arm or slate.arm,
        shown=np.array(slate.shown if was_shown else slate.rows, np.int32),
        propensities=_propensities(slate),
        chosen=was_shown and row not in answered,
        passed=tuple(each for each in slate.shown if each != row and each not in answered),
    )


def _propensities(slate: KeptSlate) -> F32:
    """Those of what is shown, as the impressions tell them, else as the slate was made."""
    if slate.shown_ms != NEVER and slate.shown_as:
        return np.array(slate.shown_as, np.float32)
    known = slate.looked().propensities
    if not len(known) or slate.shown_ms == NEVER:
        return known
    made = dict(zip(slate.rows, known.tolist(), strict=True))
    return np.array([made.get(row, math.nan) for row in slate.shown], np.float32)
