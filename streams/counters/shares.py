"""What part of an interaction counts for all: how much one user may move what users share.

A user's own state takes every event. Popularity, pairs and mean ratings take `share` of it, so that nobody
moves them much alone:

- The same action on the same item counts `repeats` times in an hour. Who loops moves nothing more.
- All that a user does counts in full up to `user_day` events of late (a decayed sum, `UserState.activity`);
  beyond, so much of each that what they move in a day stays about as much.
- Of one slate, each further item that is chosen counts less, down to nothing for the last one: who clicks
  everything chooses nothing (`choosing`).

All of it follows from the user's own state and kept slates, as they were before the event. These are stored
with the event's offset in one transaction, so an event that comes again has the share that it had. The share
goes through the ledger with the interaction, so that all processes count the same.
"""

from __future__ import annotations

import numpy as np

from streams.counters.settings import CounterSettings
from streams.learning.join import JOINED, Joined
from streams.state.action_meaning import Meanings
from streams.state.user_state import Interaction, UserState

HOUR_MS = 3_600_000


def own_share(before: UserState, after: UserState, done: Interaction, settings: CounterSettings) -> float:
    """By what the user did; `before` and `after` the event. What the history no longer holds is forgotten."""
    if repeats(before, done, settings.repeats):
        return 0.0
    return min(1.0, settings.user_day / after.activity) if after.activity > 0.0 else 1.0


def repeats(state: UserState, done: Interaction, most: int) -> bool:
    """Whether the user did the same with the item `most` times already, within an hour."""
    same = state.items == done.row
    if np.count_nonzero(same) < most:
        return False
    same &= (state.actions == done.action) & (np.abs(state.times - done.ts) < HOUR_MS)
    return int(np.count_nonzero(same)) >= most


def choosing(joined: Joined, done: Interaction, meanings: Meanings) -> float:
    """By how choosy the user was on the slate that it came from: 1 for the first item of n places that is
    chosen, 1 - 1 / (n - 1) for the second, 0 for the last. Further answers to an item are worth what its
    first one was; what says nothing good of an item is no choice.
    """
    slate = joined.slate
    if slate is None or joined.outcome not in JOINED:
        return 1.0
    chosen = list(dict.fromkeys(each.row for each in slate.answers if meanings.says[each.action] > 0))
    at = chosen.index(done.row) if done.row in chosen else len(chosen)
    places = len(slate.shown) or len(slate.rows)
    return max(0.0, 1.0 - at / (places - 1)) if places > 1 else 1.0
