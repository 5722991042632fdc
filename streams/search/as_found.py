"""The stages of a search: those of the user's arm, but that no place is kept for what nobody asked for."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from streams.ranking.stage_plan import StagePlan, stage_plan
from streams.recommender import Recommender
from streams.settings.stages import overridden

AS_FOUND = {"feed": {"fresh_place": 0, "aversion": 0.0}, "exploration": {"share": 0.0}}
"""No place is kept for a new item, and none is drawn: who searches wants what they name."""

_made: WeakKeyDictionary[StagePlan, StagePlan] = WeakKeyDictionary()


def as_found(recommender: Recommender, plan: StagePlan) -> StagePlan:
    """The plan of a search, from that of a feed. A plan always gives the same object: batches go by plans,
    and remember them.
    """
    made = _made.get(plan)
    if made is None:
        settings = overridden(plan.settings, AS_FOUND, "stages of a search")
        if settings == plan.settings:
            return plan
        sources = recommender.pipeline.names
        made = _made[plan] = stage_plan(settings, recommender.meanings, sources, plan.rung)
    return made
