"""What is the same for all places, and the user's list before."""

from __future__ import annotations

import math

import numpy as np
import pytest

from streams.learning.kept_slates import KeptSlate
from streams.signals.lists.touches import UNTOUCHED
from streams.signals.lists.whole import BEFORE, WHOLE, before, whole
from tests.streams.signals.lists.sessions import session, state


def test_the_session_in_numbers() -> None:
    events = ((7, 60.0), (9, 40.0), (7, 20.0))
    found = dict(zip(WHOLE, whole(session([7, 8], *events), state(*events), ()), strict=True))
    assert {name: column[0] for name, column in found.items()} == pytest.approx(
        {
            "session_events": math.log(4),
            "session_items": math.log(3),
            "session_choices": math.log(4),
            "session_touched": math.log(2),
            "session_pause": math.log(21),
            "session_after_choice": 1,
            "session_in_list": 1,
            "user_events": math.log(4),
            "list_length": math.log(3),
            "list_others": 0,
        }
    )
    assert all(column[0] == column[1] for column in found.values())


def test_who_is_new() -> None:
    found = dict(zip(WHOLE, whole(session([7]), state(), (KeptSlate("s", 0),)), strict=True))
    assert found["session_pause"] == [UNTOUCHED]
    names = ("session_events", "session_in_list", "list_others")
    assert [found[name].tolist() for name in names] == [[0], [0], [1]]


def test_the_list_before() -> None:
    kept = (KeptSlate("one", 0, shown=(9, 8)), KeptSlate("two", 1, shown=(5, 6, 7)))
    found = dict(zip(BEFORE, before(np.array([7, 8, 5], np.int32), kept), strict=True))
    assert found["before_shown"].tolist() == [1, 0, 1]
    assert found["before_moved"] == pytest.approx([0.2, 0, -0.2])
    assert before(np.array([7], np.int32), ())[0].tolist() == [0]
