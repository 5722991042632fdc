"""The slate of a request that is tried is drafted of the frozen and the adapted order, whichever serves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.schema import F32
from streams.learning.trial import drafted, number_of
from streams.ranking.draft import Draft
from streams.ranking.request import RankRequest


class Trial:
    """Stands before all rerankers: what they put in between is of neither order. It writes `teams`."""

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
        first, second = (_best(scores[: draft.placed], len(chosen)) for scores in (frozen, adapted))
        places, brought = drafted(first, second, len(chosen), number_of(draft.request.occasion))
        teams = np.zeros(len(draft.rows), np.int8)
        teams[places] = brought
        batch.teams[number] = teams
        return places


def _best(scores: F32, count: int) -> list[int]:
    """Of the best; ties keep the pool's order, and what is not a number comes last."""
    best: list[int] = np.argsort(-scores, kind="stable")[:count].tolist()
    return best
