"""Blend: what the sources brought as one pool for each request, all of them end to end."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from streams.ranking.candidates.blend import Wanted, blend
from streams.ranking.rank_batch import RankBatch
from streams.ranking.request import RankRequest
from streams.ranking.workspace import Workspace
from streams.state.catalog import Catalog


class Blend:
    """Writes `offsets`, `rows`, `ranks` and `origin`. `fresh`: the column of the source of new items."""

    def __init__(self, catalog: Catalog, workspace: Workspace, fresh: int) -> None:
        self.catalog, self.workspace, self.fresh = catalog, workspace, max(fresh, 0)

    def enable(self, request: RankRequest) -> bool:
        return True

    def run(self, batch: RankBatch, chosen: Sequence[int]) -> None:
        pools = blend(
            batch.found, self._wanted(batch.requests), batch.blocked, len(self.catalog), self.workspace
        )
        batch.offsets, batch.rows, batch.ranks, batch.origin = pools

    def _wanted(self, requests: Sequence[RankRequest]) -> Wanted:
        """What the requests ask for. Where one does not ask for a complete slate, its pool is what the
        sources bring.
        """
        plans = [request.plan for request in requests]
        candidates = [plan.settings.candidates for plan in plans]
        also_first = np.zeros(len(requests) + 1, np.int64)
        np.cumsum([len(request.score_also) for request in requests], out=also_first[1:])
        return Wanted(
            weights=np.array([plan.weights for plan in plans]),
            constant=np.array([each.rank_constant for each in candidates], np.float64),
            reserve=np.array([plan.reserve for plan in plans]),
            size=np.array(
                [max(each.pool, asks.size) for each, asks in zip(candidates, requests, strict=True)], np.int64
            ),
            least=np.array([each.places if each.complete else 0 for each in requests], np.int64),
            also=np.array([row for request in requests for row in request.score_also], np.int32),
            also_first=also_first,
            rest=self.fresh,
        )
