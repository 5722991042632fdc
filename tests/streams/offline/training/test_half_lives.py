"""Half-lives that fit a stream."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from streams.counters.settings import CounterSettings
from streams.datasets.interactions import Interactions
from streams.offline.training.half_lives import (
    FRESH_HALF_LIFE_EVENTS,
    HALF_LIVES_EVENTS,
    PAIR_HALF_LIFE_EVENTS,
    adapted,
)
from streams.settings.tree import Settings
from tests.streams.core import with_settings


def stream(gaps_s: list[float]) -> Interactions:
    count = len(gaps_s)
    ts_ms = 1_700_000_000_000 + np.cumsum(1_000 * np.array(gaps_s)).astype(np.int64)
    return Interactions(["u"] * count, ["i"] * count, ts_ms, np.full(count, np.nan, np.float32))


@pytest.mark.parametrize("pace_s", [0.5, 60.0])
def test_half_lives_are_as_many_events_at_the_streams_pace(pace_s: float) -> None:
    settings = adapted(Settings(), stream([pace_s] * 1_000), 1_000)
    # 199 gaps lie between the 200 events of the last fifth.
    pace = pace_s * 199 / 200
    assert settings.counters.half_lives_s == pytest.approx([pace * n for n in HALF_LIVES_EVENTS])
    assert settings.counters.pair_half_life_s == pytest.approx(pace * PAIR_HALF_LIFE_EVENTS)
    assert settings.candidates.fresh_half_life_s == pytest.approx(pace * FRESH_HALF_LIFE_EVENTS)
    rest = msgspec.structs.replace(
        settings,
        counters=Settings().counters,
        candidates=msgspec.structs.replace(
            settings.candidates, fresh_half_life_s=Settings().candidates.fresh_half_life_s
        ),
    )
    assert rest == Settings()


def test_the_pace_is_that_of_the_last_fifth_and_nothing_later_counts() -> None:
    slow_then_fast = stream([100.0] * 800 + [1.0] * 200 + [7_000.0] * 500)
    fast = stream([1.0] * 1_000)
    assert adapted(Settings(), slow_then_fast, 1_000).counters.half_lives_s == pytest.approx(
        adapted(Settings(), fast, 1_000).counters.half_lives_s
    )


def test_what_was_set_by_hand_stays() -> None:
    mine = with_settings(counters=CounterSettings(pair_half_life_s=123.0))
    assert adapted(mine, stream([1.0] * 100), 100) == mine


def test_a_stream_without_a_pace_changes_nothing() -> None:
    assert adapted(Settings(), stream([0.0] * 100), 100) == Settings()
    assert adapted(Settings(), stream([1.0]), 1) == Settings()


def test_what_else_is_set_of_the_counters_leaves_half_lives_to_the_stream() -> None:
    told, minutes = with_settings(counters=CounterSettings(window=5, choosy=False)), stream([60.0] * 1_000)
    found, usual = adapted(told, minutes, 1_000).counters, adapted(Settings(), minutes, 1_000).counters
    assert (found.window, found.choosy) == (5, False)
    assert (found.half_lives_s, found.pair_half_life_s) == (usual.half_lives_s, usual.pair_half_life_s)
