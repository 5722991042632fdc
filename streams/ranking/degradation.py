"""The rungs of the degradation ladder: how much work a slate gets (`ladder.py` says when).

A rung is no branch in the pipeline: it is the stage settings of a request with some of them lowered.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from streams.settings.exploration import ExplorationSettings
from streams.settings.ranking import LadderSettings
from streams.settings.stages import StageSettings

Rung = Literal["full", "fewer", "counters", "popular"]
RUNGS: tuple[Rung, ...] = ("full", "fewer", "counters", "popular")

QUICK_HISTORY = 10
POPULAR = "popular"  # the one source of the last rung


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
            candidates,
            pool=size,
            per_source=size,
            sources=(POPULAR,),
            weights={POPULAR: 1.0},
            reserve={},
            quotas="fixed",
        )
        stages = replace(stages, exploration=ExplorationSettings())  # it has no scores to draw by
    feed = stages.feed if rung == "counters" else replace(stages.feed, aversion=0.0)  # it reads the pairs
    rescoring = replace(stages.rescoring, enabled=False)
    return replace(stages, candidates=candidates, rescoring=rescoring, feed=feed)
