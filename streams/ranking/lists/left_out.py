"""Which items a list leaves out: what can't be had, and what its filter does not ask for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from streams.ranking.filtering import RULES
from streams.ranking.lists.page import ListAsk
from streams.ranking.pipeline import Pipeline
from streams.ranking.request import ItemFilter, RankRequest
from streams.ranking.request_checks import check
from streams.ranking.stage_plan import StagePlan
from streams.state.user_state import EMPTY


def left_out(pipeline: Pipeline, plan: StagePlan, asked: ListAsk) -> NDArray[np.uint8]:
    """1 for what is left out: uint8 [n or more]. It is the workspace's own until the next batch or list.

    The rules are those of slates, for a user who has met nothing. Raises `RequestError` for a filter that
    can't be.
    """
    check({"filter": asked.filter}, len(pipeline.catalog), pipeline.catalog.text.shape[1])
    request = RankRequest(EMPTY, asked.now_ms, plan, filter=can_be_had(asked.filter))
    mask: NDArray[np.uint8] = pipeline.workspace.blocked(1)[0]
    for rule in RULES:
        if rule.enable(request):
            rule.mark(request, pipeline.catalog, mask)
    return mask


def can_be_had(asked: ItemFilter) -> ItemFilter:
    """The same filter, without what can't be had."""
    return asked if asked.available else replace(asked, available=True)
