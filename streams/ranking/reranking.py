"""Rerank: from scores to places, the best first; then each reranker may move them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from streams.ranking.rank_batch import RankBatch
from streams.ranking.request import RankRequest
from streams.ranking.rerankers.reranker import Reranker


class Rerank:
    """Writes `order`. Ties keep the pool's order."""

    def __init__(self, rerankers: Sequence[Reranker]) -> None:
        self.rerankers = rerankers

    def enable(self, request: RankRequest) -> bool:
        return True

    def run(self, batch: RankBatch, chosen: Sequence[int]) -> None:
        batch.order = []
        for draft in batch.drafts():
            order = np.argsort(-draft.score[: draft.placed], kind="stable")
            places = order[: draft.request.places]
            for reranker in self.rerankers:
                if reranker.enable(draft.request):
                    places = reranker.rerank(draft, places, order)
            batch.order.append(places)
