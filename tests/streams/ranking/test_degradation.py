"""The ladder is left downwards at once and upwards with some slack."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.ranking.degradation import CLIMB_BELOW, RUNGS, choose, lowered
from streams.settings.sections import LadderSettings
from streams.settings.stages import StageSettings, overridden

SETTINGS = LadderSettings(fewer_at_ms=60.0, counters_at_ms=150.0, popular_at_ms=1_000.0)
lags = st.floats(0, 5_000)


@given(lags, lags, st.sampled_from(RUNGS))
def test_more_lag_is_never_a_higher_rung(one: float, other: float, last: str) -> None:
    low, high = sorted((one, other))
    places = [RUNGS.index(choose(lag, SETTINGS, last)) for lag in (low, high)]  # type: ignore[arg-type]
    assert places[0] <= places[1]


@given(lags, st.sampled_from(RUNGS))
def test_a_rung_never_stands_above_what_the_lag_says(lag: float, last: str) -> None:
    assert RUNGS.index(choose(lag, SETTINGS, last)) >= RUNGS.index(choose(lag, SETTINGS))  # type: ignore[arg-type]


def test_a_lag_at_a_threshold_does_not_flap() -> None:
    rung, seen = choose(0, SETTINGS), []
    for lag in (59, 61, 59, 61, 59, 61, 43, 41, 59):
        rung = choose(lag, SETTINGS, rung)
        seen.append(rung)
    assert seen == ["full", *["fewer"] * 6, "full", "full"]
    assert 41 < SETTINGS.fewer_at_ms * CLIMB_BELOW < 43


def test_it_comes_all_the_way_back() -> None:
    rung = choose(10_000, SETTINGS)
    assert rung == "popular"
    assert choose(0, SETTINGS, rung) == "full"


def test_each_rung_does_less_than_the_one_above_it() -> None:
    stages = overridden(StageSettings(), {"candidates": {"reserve": {"popular": 3}}}, "x")
    full, fewer, counters, popular = (lowered(stages, rung, SETTINGS) for rung in RUNGS)
    assert full == stages
    assert fewer.candidates.pool == SETTINGS.fewer_pool < full.candidates.pool
    assert (fewer.candidates.per_source, fewer.rescoring) == (full.candidates.per_source, full.rescoring)
    assert not counters.rescoring.enabled
    assert counters.candidates.per_source < full.candidates.per_source
    assert 0 < counters.candidates.history < 50
    assert popular.candidates.sources == ("popular",)
    assert (popular.candidates.pool, popular.candidates.reserve) == (stages.feed.size, {})
    assert not popular.rescoring.enabled
    assert all(each.feed == stages.feed for each in (fewer, counters))
    assert (popular.feed.size, popular.feed.aversion) == (stages.feed.size, 0.0)
