"""What the user did with each place's item in this session, and for how long."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from streams.signals.lists.session import Session

TOUCHES = (
    "touch_choices",
    "touch_dwell",
    "touch_last_dwell",
    "touch_ago",
    "touch_since_first",
    "touch_recency",
    "touch_streak",
    "touch_last_choice",
)
DWELL_MAX_S = 600.0
"""An event holds its user until the next one, so long at most."""
UNTOUCHED = 8.0
"""Of the seconds since an event that there was not, in logarithms: longer than a session's pause."""

F64 = NDArray[np.float64]


def touches(session: Session) -> list[F64]:
    """A column [n] for each of `TOUCHES`.

    touch_choices: the logarithm of how often it was chosen. touch_dwell: of the seconds that the user stayed
    with it, touch_last_dwell: the last time. touch_ago, touch_since_first: of the seconds since its last and
    its first event, `UNTOUCHED` for none. touch_recency: 1 for the place that was touched last, 1/2 for the
    one before, and so on. touch_streak: the logarithm of how many of the newest events in a row are with it.
    touch_last_choice: it was the last choice.
    """
    n, places = session.n, session.places
    times = session.times.astype(np.float64)
    seconds = np.clip(np.diff(times, append=float(session.now_ms)) / 1_000.0, 0.0, DWELL_MAX_S)
    ago = np.maximum((session.now_ms - times) / 1_000.0, 0.0)
    there = places >= 0
    at = places[there]
    choices = np.bincount(places[there & session.chosen], minlength=n)
    dwell = np.bincount(at, weights=seconds[there], minlength=n)
    last_dwell = np.zeros(n)
    last_dwell[at] = seconds[there]  # of one place the newest one stays
    last, first = np.full(n, np.nan), np.full(n, np.nan)
    last[at] = ago[there]
    first[at[::-1]] = ago[there][::-1]
    recency = np.zeros(n)
    newest = session.newest()
    recency[newest] = 1.0 / np.arange(1, len(newest) + 1)
    return [
        np.log1p(choices),
        np.log1p(dwell),
        np.log1p(last_dwell),
        np.nan_to_num(np.log1p(last), nan=UNTOUCHED),
        np.nan_to_num(np.log1p(first), nan=UNTOUCHED),
        recency,
        _streak(session),
        _last_choice(session),
    ]


def _streak(session: Session) -> F64:
    found = np.zeros(session.n)
    if len(session.rows) and session.places[-1] >= 0:
        others = np.flatnonzero(session.rows != session.rows[-1])
        begin = int(others[-1]) + 1 if len(others) else 0
        found[session.places[-1]] = np.log1p(len(session.rows) - begin)
    return found


def _last_choice(session: Session) -> F64:
    found = np.zeros(session.n)
    chosen = np.flatnonzero(session.chosen)
    if len(chosen) and session.places[chosen[-1]] >= 0:
        found[session.places[chosen[-1]]] = 1.0
    return found
