"""All lists of items over one build's settings: the stage settings that they go by are made once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from streams.ranking.lists.latest import LATEST, latest
from streams.ranking.lists.most_met import POPULAR, TRENDING, most_met
from streams.ranking.lists.page import ListAsk, Page
from streams.ranking.lists.similar import By, SimilarAsk, similar, stages_of
from streams.ranking.pipeline import Pipeline, source_names
from streams.ranking.stage_plan import stage_plan
from streams.settings.stages import overridden
from streams.settings.tree import Settings

NAMES = TRENDING, POPULAR, LATEST


class ItemLists:
    """Values in, values out: what is asked of a pipeline leaves nothing in it."""

    def __init__(self, settings: Settings) -> None:
        meanings, sources = settings.meanings, source_names()

        self._plans = {
            by: stage_plan(
                overridden(settings.stages, stages_of(by), "a list"), meanings, sources, where="a list"
            )
            for by in get_args(By)
        }

    def page(self, pipeline: Pipeline, name: str, asked: ListAsk) -> Page:
        """A page of one of `NAMES`. Raises `RequestError` for a cursor that is not of this list."""
        plan = self._plans["blended"]
        if name == LATEST:
            return latest(pipeline, plan, asked)
        return most_met(pipeline, plan, name, asked)

    def similar(self, pipeline: Pipeline, asks: Sequence[SimilarAsk]) -> list[Page]:
        """A page for each of `asks`. Raises `RequestError` for a cursor that is not of this list."""
        return similar(pipeline, self._plans, asks)
