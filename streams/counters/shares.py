"""What part of an interaction counts for all: how much one user may move what users share.

A user's own state takes every event. Popularity, pairs and mean ratings take `share` of it, so that nobody
moves them much alone:

- The same action on the same item counts `repeats` times in an hour. Who loops moves nothing more.
- All that a user does counts in full up to `user_day` events of late (a decayed sum, `UserState.activity`);
  beyond, so much of each that what they move in a day stays about as much.
- Who chooses more than half of what they are shown counts less, down to nothing: who clicks everything
  chooses nothing. Who chooses the same place again and again chooses a place (`choosing`).

All of it follows from the user's own state and kept slates, as they were before the event. These are stored
with the event's offset in one transaction, so an event that comes again has the share that it had. The share
goes through the ledger with the interaction, so that all processes count the same.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from streams.counters.settings import CounterSettings
from streams.learning.join import JOINED, JoinedAnswer
from streams.learning.kept_slates import PLACES_MAX, KeptSlate, UserSlates, place_code
from streams.state.user_state import Interaction, Rows, UserState

HOUR_MS = 3_600_000
DOUBT = 2.0
"""Places that are taken to have been passed over, of a user of whom little is known."""


def own_share(before: UserState, after: UserState, done: Interaction, settings: CounterSettings) -> float:
    """By what the user did; `before` and `after` the event. What the history no longer holds is forgotten."""
    if repeats(before, done, settings.repeats):
        return 0.0
    return min(1.0, settings.user_day / after.activity) if after.activity > 0.0 else 1.0


def repeats(state: UserState, done: Interaction, most: int) -> bool:
    """Whether the user did the same with the item `most` times already, within an hour."""
    return _same(state.items, state.actions, state.times, done.row, done.action, done.ts) >= most


@compiled
def _same(
    items: Rows, actions: NDArray[np.uint8], times: NDArray[np.int64], row: int, action: int, ts: int
) -> int:
    count = 0
    for k in range(len(items)):
        count += items[k] == row and actions[k] == action and abs(times[k] - ts) < HOUR_MS
    return count


def choosing(kept: UserSlates, joined: JoinedAnswer, done: Interaction, good: Collection[int]) -> float:
    """By how choosy the user is: on their slates of late, and on this one before the event. Who chooses up to
    half of what they see counts in full, who chooses all of it counts nothing (and see `_by_place`). What is
    of no slate that was shown and waits counts in full: which slates are made depends on how events come in
    batches, and no count may. good: the codes of actions that choose.
    """
    slate = joined.slate
    if slate is None or not slate.shown or joined.outcome not in JOINED:
        return 1.0
    seen, chosen, placed = kept.seen, kept.chosen, [*kept.placed]
    for other in kept.slates:
        if other.waits and other.shown and other is not slate:
            at = _chosen(other, good)
            seen, chosen, placed = seen + len(other.shown), chosen + len(at), placed + at
    here, places = _chosen(slate, good, done.row), len(slate.shown)
    share = _part(chosen / (seen + DOUBT)) * (_part(len(here) / (places - 1)) if places > 1 else 1.0)
    return share * _by_place(slate, done.row, placed + here)


def _by_place(slate: KeptSlate, row: int, placed: Sequence[int]) -> float:
    """Who chooses the same place again and again chooses a place. Twice as many choices of it as it would
    draw of all by examination (1 / root of the rank) count, and one more. The first place is free: many
    look no further.
    """
    places = len(slate.shown)
    at = slate.shown.index(row) if row in slate.shown else 0
    if at == 0:
        return 1.0
    drawn: float = (at + 1) ** -0.5 / _examined(places)
    same = placed.count(place_code(at, places)) + 1
    return min(1.0, (1.0 + 2.0 * drawn * (len(placed) + 1)) / same)


@lru_cache(PLACES_MAX)
def _examined(places: int) -> float:
    """How much all places of a slate are looked at. By `fsum`, since `sum` rounds otherwise from Python 3.12
    on, and two workers may count with two versions.
    """
    return math.fsum(rank**-0.5 for rank in range(1, places + 1))


def _part(chosen: float) -> float:
    return min(1.0, max(0.0, 2.0 - 2.0 * chosen))


def _chosen(slate: KeptSlate, good: Collection[int], but: int = -1) -> list[int]:
    """The codes of the places whose items were chosen, but for one item."""
    rows, places = slate.shown, len(slate.shown)
    chosen = dict.fromkeys(each.row for each in slate.answers if each.action in good and each.row != but)
    return [place_code(rows.index(row), places) if row in rows else 0 for row in chosen]
