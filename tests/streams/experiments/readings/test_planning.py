"""Planned sizes are right for the reading that they are planned for."""

from __future__ import annotations

import pytest

from streams.experiments.readings.planning import alarms, drift, effect_found, users_needed


def test_drifts_of_readings_are_in_order_of_their_strength() -> None:
    fixed = 1.959964 + 0.841621
    obrien_fleming, pocock = drift(0.05, 0.8, 10, "obrien-fleming"), drift(0.05, 0.8, 10, "pocock")
    assert fixed < obrien_fleming < pocock < drift(0.05, 0.8)
    # Jennison and Turnbull (2000), tables 2.2 and 2.4: the largest size over the fixed one, 10 looks; theirs
    # is for the bounds that spending functions come near to.
    assert (obrien_fleming / fixed) ** 2 == pytest.approx(1.040, abs=0.01)
    assert (pocock / fixed) ** 2 == pytest.approx(1.301, abs=0.08)


def test_sequences_alarm_between_one_and_five_percent_by_the_planned_size() -> None:
    assert 0.01 < alarms(0.05, 10) < alarms(0.05, 40) < alarms(0.05, 100) < 0.05


@pytest.mark.parametrize("effect", [0.02, 0.1, 0.5])
def test_users_and_effect_are_inverse(effect: float) -> None:
    users = users_needed(3.7, effect, 2.8)
    assert effect_found(3.7, users, 2.8) == pytest.approx(effect, rel=3e-3)


def test_too_few_users_find_nothing() -> None:
    assert effect_found(3.7, 3, 2.8) == float("inf")
