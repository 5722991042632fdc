"""What the user did with each place."""

from __future__ import annotations

import math

import pytest

from streams.signals.lists.touches import DWELL_MAX_S, TOUCHES, UNTOUCHED, touches
from tests.streams.signals.lists.sessions import session


def columns(rows: list[int], *events: tuple[int, float], actions: str = "") -> dict[str, list[float]]:
    found = touches(session(rows, *events, actions=actions))
    return {name: column.tolist() for name, column in zip(TOUCHES, found, strict=True)}


def test_looks_choices_and_times_of_each_place() -> None:
    found = columns([7, 8, 9], (8, 100.0), (9, 70.0), (8, 30.0), (8, 20.0), actions="vcvv")
    assert found["touch_choices"] == pytest.approx([0, 0, math.log(2)])
    assert found["touch_dwell"] == pytest.approx([0, math.log(1 + 30 + 10 + 20), math.log(1 + 40)])
    assert found["touch_last_dwell"] == pytest.approx([0, math.log(21), math.log(41)])
    assert found["touch_ago"] == pytest.approx([UNTOUCHED, math.log(21), math.log(71)])
    assert found["touch_since_first"] == pytest.approx([UNTOUCHED, math.log(101), math.log(71)])
    assert found["touch_recency"] == [0, 1, 0.5]
    assert found["touch_streak"] == pytest.approx([0, math.log(3), 0])
    assert found["touch_last_choice"] == [0, 0, 1]


def test_nothing_was_done() -> None:
    found = columns([7, 8])
    assert found.pop("touch_ago") == found.pop("touch_since_first") == [UNTOUCHED] * 2
    assert all(column == [0.0, 0.0] for column in found.values())


def test_a_long_wait_counts_no_longer_than_the_most() -> None:
    assert columns([7], (7, 1_500.0))["touch_dwell"] == pytest.approx([math.log1p(DWELL_MAX_S)])


def test_the_newest_events_are_with_an_item_that_the_list_does_not_have() -> None:
    found = columns([7, 8], (7, 20.0), (5, 10.0))
    assert (found["touch_streak"], found["touch_last_choice"]) == ([0, 0], [0, 0])
    assert found["touch_recency"] == [1, 0]
