"""The slate of a request that is tried is drafted of the frozen and the adapted order, whichever serves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from streams.learning.trial import drafted, number_of
from streams.ranking.best_first import best_first
from streams.ranking.draft import Draft
from streams.ranking.request import RankRequest
from streams.ranking.workspace import Workspace


class Trial:
    """Stands before all rerankers: what they put in between is of neither order. It writes `teams`."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace

    def enable(self, request: RankRequest) -> bool:
        return request.trial

    def rerank(self, draft: Draft, chosen: NDArray[np.intp], order: NDArray[np.intp]) -> NDArray[np.intp]:
        """The places of a request that was drawn for it; the places as they are for any other."""
        batch, number = draft.batch, draft.number
        adapted = batch.tried.get(number)
        if adapted is None:
            return chosen
        frozen = batch.heads[0, batch.part(number)]
        averted = batch.averted.get(number)
        if averted is not None:
            frozen, adapted = frozen - averted, adapted - averted
        placed, best = draft.placed, np.empty((2, len(chosen)), np.intp)
        scratch = self.workspace.scratch(placed)
        best_first(frozen[:placed], scratch, best[0])
        best_first(adapted[:placed], scratch, best[1])
        places, brought = drafted(best[0], best[1], len(chosen), number_of(draft.request.occasion))
        teams = np.zeros(len(draft.rows), np.int8)
        teams[places] = brought
        batch.teams[number] = teams
        return places
