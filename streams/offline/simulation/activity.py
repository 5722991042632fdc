"""How users come and go: how much each of them does, how long their sessions are, what lies between them."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.datasets.interactions import Interactions
from streams.offline.simulation.draws import F64

SESSION_GAP_S = 1_800.0
SESSION_MAX = 50
"""Feeds that a user reads in a session at most; a longer one is a machine, or an import."""
WITHIN_S, BETWEEN_S = 20.0, 86_400.0
"""Where the data's times say nothing."""


class Activity(NamedTuple):
    """`events` [U]: of each user. `sessions`: of each user, the lengths of their sessions in events.
    `within_s` and `between_s`: the times between two events of a session, and between two sessions, of all
    users.
    """

    events: F64
    sessions: list[NDArray[np.int64]]
    within_s: F64
    between_s: F64


def activity_of(stream: Interactions, user_of: NDArray[np.int64], users: int) -> Activity:
    """The activity of each of the users 0 to `users` - 1; `user_of` names the user of each event."""
    order = np.lexsort((stream.ts_ms, user_of))
    of, ts = user_of[order], stream.ts_ms[order]
    gaps_s = np.diff(ts) / 1_000.0
    same = of[1:] == of[:-1]
    breaks = np.concatenate([[True], ~same | (gaps_s > SESSION_GAP_S)])
    begins = np.flatnonzero(breaks)
    lengths = np.minimum(np.diff(np.concatenate([begins, [len(of)]])), SESSION_MAX)
    bounds = np.searchsorted(of[begins], np.arange(users + 1))
    within = gaps_s[same & (gaps_s <= SESSION_GAP_S) & (gaps_s > 0.0)]
    between = gaps_s[same & (gaps_s > SESSION_GAP_S)]
    return Activity(
        np.bincount(user_of, minlength=users).astype(np.float64),
        [lengths[begin:end] for begin, end in pairwise(bounds.tolist())],
        within if len(within) else np.array([WITHIN_S]),
        between if len(between) else np.array([BETWEEN_S]),
    )
