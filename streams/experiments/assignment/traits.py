"""What assignment asks of a user besides the id: who is targeted, and which session it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from streams.experiments.declared.experiment import SEGMENTS, ExperimentSettings, Target
from streams.state.user_state import UserState

SESSION_GAP_MS = 30 * 60_000
"""A user who does nothing for so long begins another session."""


@dataclass(frozen=True, slots=True)
class Gate:
    """Which slates an experiment takes, made ready. `profile`: of each field the values that take part.
    `segments`: from how many interactions on, and below how many; none for all. `surfaces`: none for all.
    """

    starts_ms: int
    ends_ms: int
    profile: tuple[tuple[str, frozenset[str]], ...]
    segments: tuple[tuple[int, int], ...]
    surfaces: frozenset[str]

    def takes(self, state: UserState, now_ms: int, surface: str) -> bool:
        """Whether the slate of this user, asked for at `now_ms` for `surface`, is one of the experiment's."""
        if not self.starts_ms <= now_ms < self.ends_ms:
            return False
        for field, values in self.profile:
            if state.profile.get(field) not in values:
                return False
        if self.surfaces and surface not in self.surfaces:
            return False
        return not self.segments or any(least <= state.interactions < below for least, below in self.segments)


def gate_of(experiment: ExperimentSettings) -> Gate | None:
    """The gate of an experiment; None where it takes every slate."""
    target = experiment.target
    if experiment.starts is None and experiment.ends is None and target == Target():
        return None
    return Gate(
        experiment.starts_ms,
        experiment.ends_ms,
        tuple((field, frozenset(values)) for field, values in target.profile.items()),
        tuple(SEGMENTS[name] for name in target.segments),
        frozenset(target.surfaces),
    )


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
