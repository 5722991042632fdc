"""What assignment asks of a user besides the id: who is targeted, and which session it is."""

from __future__ import annotations

import numpy as np

from streams.experiments.declared.experiment import SEGMENTS, ExperimentSettings
from streams.state.user_state import UserState

SESSION_GAP_MS = 30 * 60_000
"""A user who does nothing for so long begins another session."""


def takes(experiment: ExperimentSettings, state: UserState, now_ms: int, surface: str) -> bool:
    """Whether the slate of this user, asked for at `now_ms` for `surface`, is one of the experiment's."""
    if not experiment.starts_ms <= now_ms < experiment.ends_ms:
        return False
    target = experiment.target
    if target.surfaces and surface not in target.surfaces:
        return False
    if any(state.profile.get(field) not in values for field, values in target.profile.items()):
        return False
    return not target.segments or segment_of(state.interactions) in target.segments


def segment_of(interactions: int) -> str:
    """The segment of a user who has acted so often.

    >>> segment_of(0), segment_of(5), segment_of(900)
    ('new', 'light', 'heavy')
    """
    return next(name for name, (least, below) in SEGMENTS.items() if least <= interactions < below)


def session_of(state: UserState, now_ms: int) -> int:
    """When the user's session began (ms): the first event after the last gap of `SESSION_GAP_MS`.

    0 where a session has more events than the state's history: it goes on by the user's own draw, so a
    session changes its arm once at most.
    """
    times = state.times
    if not len(times) or now_ms - int(times[-1]) >= SESSION_GAP_MS:
        return now_ms
    gaps = np.flatnonzero(np.diff(times) >= SESSION_GAP_MS)
    if len(gaps):
        return int(times[gaps[-1] + 1])
    return int(times[0]) if state.interactions <= len(times) else 0
