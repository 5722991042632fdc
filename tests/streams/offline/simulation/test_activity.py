"""How users come and go."""

from __future__ import annotations

import numpy as np

from streams.datasets.interactions import Interactions
from streams.offline.simulation.activity import BETWEEN_S, SESSION_MAX, WITHIN_S, activity_of


def stream(seconds: list[int]) -> Interactions:
    count = len(seconds)
    return Interactions(
        ["u"] * count, ["i"] * count, 1_000 * np.array(seconds), np.full(count, np.nan, np.float32)
    )


def test_sessions_end_after_half_an_hour() -> None:
    """User 0 acts at 0, 10, 1,800 (one session), and 3,601; user 1 at 5."""
    found = activity_of(stream([0, 5, 10, 1_800, 3_601]), np.array([0, 1, 0, 0, 0]), 3)
    assert found.events.tolist() == [4, 1, 0]
    assert [each.tolist() for each in found.sessions] == [[3, 1], [1], []]
    assert sorted(found.within_s.tolist()) == [10, 1_790]
    assert found.between_s.tolist() == [1_801]


def test_a_machine_is_no_reader_and_times_of_whole_days_say_nothing_of_sessions() -> None:
    found = activity_of(stream([0] * 300), np.zeros(300, np.int64), 1)
    assert found.sessions[0].tolist() == [SESSION_MAX]
    assert found.within_s.tolist() == [WITHIN_S]
    assert found.between_s.tolist() == [BETWEEN_S]
