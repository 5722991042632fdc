"""What is the same for all places of a list: who looks at it, and when. A net needs it to weigh the rest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from streams.learning.kept_slates import Slates
from streams.signals.lists.session import Session
from streams.signals.lists.touches import UNTOUCHED
from streams.state.user_state import UserState

WHOLE = (
    "session_events",
    "session_items",
    "session_choices",
    "session_touched",
    "session_pause",
    "session_after_choice",
    "session_in_list",
    "user_events",
    "list_length",
    "list_others",
)
BEFORE = ("before_shown", "before_moved")

F64 = NDArray[np.float64]


def whole(session: Session, state: UserState, kept: Slates) -> list[F64]:
    """A column [n], one number in all places, for each of `WHOLE`.

    Logarithms: how many events, items and choices the session has, how many places it touches, the seconds
    since its last event (`UNTOUCHED` for none), the events of the user in all, places. session_after_choice:
    the last event was a choice; session_in_list: it was with an item of this list. list_others: whether
    other lists of the user wait for answers.
    """
    any_event = len(session.rows) > 0
    pause = np.log1p(max(session.now_ms - int(session.times[-1]), 0) / 1_000.0) if any_event else UNTOUCHED
    values = [
        np.log1p(len(session.rows)),
        np.log1p(len(np.unique(session.rows))),
        np.log1p(np.count_nonzero(session.chosen)),
        np.log1p(len(session.newest())),
        pause,
        float(any_event and bool(session.chosen[-1])),
        float(any_event and session.places[-1] >= 0),
        np.log1p(state.interactions),
        np.log1p(session.n),
        float(len(kept) > 0),
    ]
    return [np.full(session.n, value) for value in values]


def before(rows: NDArray[np.int32], kept: Slates) -> list[F64]:
    """A column [n] for each of `BEFORE`: whether the user's last list that waits showed the item, and by how
    many places, in tens, it has moved up since.
    """
    shown = kept[-1].shown if kept else ()
    at = {row: place for place, row in enumerate(shown)}
    moved = [(at.get(row, place) - place) / 10.0 for place, row in enumerate(rows.tolist())]
    return [np.array([float(row in at) for row in rows.tolist()]), np.clip(moved, -2.0, 2.0)]
