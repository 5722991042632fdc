"""The degradation ladder: lag decides how much work a slate gets.

A rung is no branch in the pipeline: it is the stage settings of a request with some of them lowered.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from streams.settings.exploration import ExplorationSettings
from streams.settings.sections import LadderSettings
from streams.settings.stages import StageSettings

Rung = Literal["full", "fewer", "counters", "popular"]
RUNGS: tuple[Rung, ...] = ("full", "fewer", "counters", "popular")

QUICK_HISTORY = 10
POPULAR = "popular"  # the one source of the last rung

CLIMB_BELOW = 0.7
"""A rung is left upwards only where the lag is below this part of the threshold that led down to it."""


def choose(lag_ms: float, settings: LadderSettings, last: Rung = "full") -> Rung:
    """The rung for a batch whose oldest event has waited `lag_ms`, after a batch on rung `last`.

    Down as far as the lag says, at once; up with some slack, so that a lag near a threshold does not make the
    rung go back and forth.

    >>> settings = LadderSettings(fewer_at_ms=50, counters_at_ms=100, popular_at_ms=250)
    >>> [choose(lag, settings) for lag in (0, 50, 100, 250)]
    ['full', 'fewer', 'counters', 'popular']
    >>> choose(45, settings, last="full"), choose(45, settings, last="fewer")
    ('full', 'fewer')
    >>> [choose(lag, LadderSettings()) for lag in (99, 100)]  # `fewer` begins where `counters` does
    ['full', 'counters']
    """
    down = _rung(lag_ms, settings)
    if RUNGS.index(down) >= RUNGS.index(last):
        return down
    return _rung(min(lag_ms / CLIMB_BELOW, _from(last, settings)), settings)


def lowered(stages: StageSettings, rung: Rung, settings: LadderSettings) -> StageSettings:
    """The stage settings of a rung.

    >>> stages, settings = StageSettings(), LadderSettings(fewer_pool=8)
    >>> lowered(stages, "fewer", settings).candidates.pool, lowered(stages, "full", settings) == stages
    (8, True)
    >>> lowered(stages, "counters", settings).rescoring.enabled
    False
    """
    replace, candidates = msgspec.structs.replace, stages.candidates
    if rung == "full":
        return stages
    if rung == "fewer":  # the sources bring as many: their ranks are features, so they are those of "full"
        return replace(stages, candidates=replace(candidates, pool=settings.fewer_pool))
    if rung == "counters":  # reading the pairs of a long history is most of what is left of the work
        candidates = replace(
            candidates, pool=settings.fewer_pool, per_source=settings.fewer_pool, history=QUICK_HISTORY
        )
    else:
        size = stages.feed.size
        candidates = replace(
            candidates, pool=size, per_source=size, sources=(POPULAR,), weights={POPULAR: 1.0}, reserve={}
        )
        stages = replace(stages, exploration=ExplorationSettings())  # it has no scores to draw by
    feed = stages.feed if rung == "counters" else replace(stages.feed, aversion=0.0)  # it reads the pairs
    rescoring = replace(stages.rescoring, enabled=False)
    return replace(stages, candidates=candidates, rescoring=rescoring, feed=feed)


def _rung(lag_ms: float, settings: LadderSettings) -> Rung:
    for rung in reversed(RUNGS[1:]):
        if lag_ms >= _from(rung, settings):
            return rung
    return "full"


def _from(rung: Rung, settings: LadderSettings) -> float:
    return {
        "full": 0.0,
        "fewer": settings.fewer_at_ms,
        "counters": settings.counters_at_ms,
        "popular": settings.popular_at_ms,
    }[rung]
