"""A user's session as it meets a list: what they did, oldest first, and where its items stand in the list."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.schema import F32
from streams.signals.list_signals import chooses, session_of
from streams.state.user_state import UserState

NOWHERE = -1


class Session(NamedTuple):
    """s events, oldest first: rows int32 [s]; times int64 [s]; `chosen` bool [s]: the action is a
    choice (`list_signals.chooses`); `places` int64 [s]: where the item stands in the list, NOWHERE
    where it does not. n: the places of the list. now_ms: when the list comes.
    """

    rows: NDArray[np.int32]
    times: NDArray[np.int64]
    chosen: NDArray[np.bool_]
    places: NDArray[np.int64]
    n: int
    now_ms: int

    def newest(self, which: NDArray[np.bool_] | None = None) -> list[int]:
        """The places of the list that the events touch, the newest first, each once. which [s]: those of
        these events alone.
        """
        there = self.places >= 0 if which is None else (self.places >= 0) & which
        return _newest_first(self.places[there])

    def met(self) -> list[int]:
        """The rows of all events, the newest first, each once."""
        return _newest_first(self.rows)

    def chose(self) -> list[int]:
        """The same of the choices."""
        return _newest_first(self.rows[self.chosen])


def session_in(rows: NDArray[np.int32], state: UserState, now_ms: int, counts: F32) -> Session:
    """The session of a user to whom a list of `rows` [n] comes. counts [CODES]: what each action counts."""
    events = session_of(state, now_ms)[::-1]
    first = len(state.items) - len(events)
    where = {row: place for place, row in enumerate(rows.tolist())}
    return Session(
        rows=events,
        times=state.times[first:],
        chosen=chooses(state.actions[first:], counts),
        places=np.array([where.get(row, NOWHERE) for row in events.tolist()], np.int64),
        n=len(rows),
        now_ms=now_ms,
    )


def _newest_first(oldest_first: NDArray[np.int32] | NDArray[np.int64]) -> list[int]:
    return list(dict.fromkeys(oldest_first[::-1].tolist()))
