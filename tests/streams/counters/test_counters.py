"""All counters together: what each action weighs, and what a second process counts."""

from __future__ import annotations

import math

import numpy as np
import pytest

from model.errors import SettingsError
from streams.counters.counters import Counters
from streams.counters.settings import CounterSettings
from streams.settings.reading import load
from streams.state.user_state import ACTION_CODE, Interaction

NOW_MS = 1_700_000_000_000


def met(row: int, action: str = "click", previous: tuple[int, ...] = ()) -> Interaction:
    return Interaction(row, NOW_MS, ACTION_CODE[action], math.nan, np.array(previous, np.int32), 0)


def counted(*interactions: Interaction, settings: CounterSettings = CounterSettings()) -> Counters:
    counters = Counters(settings)
    counters.grow(8)
    for interaction in interactions:
        counters.observe(interaction)
    return counters


def test_actions_weigh_what_the_settings_say() -> None:
    counters = counted(met(0, "view"), met(1, "purchase"), met(2, "skip"), met(3, "review"))
    assert counters.popularity.total[:4].tolist() == pytest.approx([0.2, 1.0, 0.0, 1.0])
    assert counters.popularity.events[:4].tolist() == [1, 1, 1, 1]
    assert counters.interactions == 4


def test_a_skip_teaches_no_pair() -> None:
    assert not counted(met(1, "skip", previous=(0,))).pairs.length.any()
    assert counted(met(1, "click", previous=(0,))).pairs.length[:2].tolist() == [1, 1]


def test_impressions_count_as_shown_and_nothing_else() -> None:
    counters = counted()
    counters.show(np.array([1, 1, 5], np.int32))
    assert counters.popularity.shown[:6].tolist() == [0, 2, 0, 0, 0, 1]
    assert not counters.popularity.total.any()
    assert counters.interactions == 0


def test_a_negative_weight_is_refused_at_the_edge() -> None:
    with pytest.raises(SettingsError, match=r"Expected `float` >= 0.0.*actions"):
        load(environ={"HEADRACE_ACTIONS__SKIP__COUNTS": "-1"})


def test_a_misspelt_action_is_refused_at_the_edge() -> None:
    with pytest.raises(SettingsError, match=r"actions\.NAME\.counts"):
        load(environ={"HEADRACE_COUNTERS__ACTION_WEIGHT__BUY": "2"})


def test_a_half_life_of_nothing_is_refused_at_the_edge() -> None:
    with pytest.raises(SettingsError, match="half_lives_s"):
        load(environ={"HEADRACE_COUNTERS__HALF_LIVES_S": "0,10,100"})
