"""Sessions and lists by hand."""

from __future__ import annotations

import numpy as np

from streams.signals.lists.session import Session, session_in
from streams.state.action_meaning import Meanings
from streams.state.user_state import UserState

NOW_MS = 1_700_000_000_000


def state(*events: tuple[int, float], actions: str = "") -> UserState:
    """(row, seconds before now), oldest first. actions: "v" for a view; all are clicks without."""
    return UserState(
        items=np.array([row for row, _ in events], np.int32),
        actions=np.array([each != "v" for each in actions or "c" * len(events)], np.uint8),
        ratings=np.full(len(events), np.nan, np.float32),
        times=np.array([NOW_MS - int(1_000 * ago) for _, ago in events], np.int64),
        interactions=len(events),
    )


def session(rows: list[int], *events: tuple[int, float], actions: str = "") -> Session:
    """The session of these events as it meets a list of `rows`."""
    return session_in(np.array(rows, np.int32), state(*events, actions=actions), NOW_MS, Meanings().counts)
