"""The ladder is left downwards at once and upwards with some slack."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.ranking.degradation import CLIMB_BELOW, RUNGS, choose
from streams.settings.sections import LadderSettings

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
