"""Rerank: from scores to places, the best first; then each reranker may move them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from model.schema import F32
from streams.ranking.best_first import best_first
from streams.ranking.rank_batch import RankBatch
from streams.ranking.request import RankRequest
from streams.ranking.rerankers.reranker import Reranker
from streams.ranking.workspace import Scratch, Workspace


class Rerank:
    """Writes `order`. Ties keep the pool's order."""

    def __init__(self, workspace: Workspace, rerankers: Sequence[Reranker]) -> None:
        self.workspace, self.rerankers = workspace, rerankers

    def enable(self, request: RankRequest) -> bool:
        return True

    def run(self, batch: RankBatch, chosen: Sequence[int]) -> None:
        ends = batch.offsets[1:]
        if any(request.score_also for request in batch.requests):
            ends = ends - np.array([len(request.score_also) for request in batch.requests], np.int64)
        order = np.empty(len(batch.rows), np.intp)
        scratch = self.workspace.scratch(len(batch.rows))
        _order(batch.offsets, ends, batch.score, scratch, order)
        batch.order = []
        bounds = zip(batch.offsets.tolist(), ends.tolist(), strict=False)
        for b, (request, (begin, end)) in enumerate(zip(batch.requests, bounds, strict=True)):
            its_order, draft = order[begin:end], batch.draft(b)
            places = its_order[: request.places]
            for reranker in self.rerankers:
                if reranker.enable(request):
                    places = reranker.rerank(draft, places, its_order)
            batch.order.append(places)


@compiled
def _order(
    offsets: NDArray[np.int64],
    ends: NDArray[np.int64],
    score: F32,
    scratch: Scratch,
    order: NDArray[np.intp],
) -> None:
    """For each request its candidates up to `ends`, by their place in its own, the highest score first; what
    is not a number comes last.
    """
    for b in range(len(ends)):
        best_first(score[offsets[b] : ends[b]], scratch, order[offsets[b] : ends[b]])
