"""Each rung of the ladder does less than the one above it."""

from __future__ import annotations

from streams.ranking.degradation import RUNGS, lowered
from streams.settings.ranking import LadderSettings
from streams.settings.stages import StageSettings, overridden

SETTINGS = LadderSettings(fewer_at_ms=60.0, counters_at_ms=150.0, popular_at_ms=1_000.0)


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
