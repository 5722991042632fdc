"""Blend: what the sources brought as one pool for each request, all of them end to end."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from streams.ranking.candidates.blend import AddedRows, GivenPools, blend
from streams.ranking.candidates.quotas import Quotas
from streams.ranking.rank_batch import NO_ROWS, RankBatch
from streams.ranking.request import RankRequest
from streams.ranking.workspace import Workspace
from streams.state.catalog import Catalog


class Blend:
    """Writes `offsets`, `rows`, `ranks` and `origin`. `fresh`: the column of the source of new items.
    `quotas`: where sources share the pool by what they earned.
    """

    def __init__(
        self, catalog: Catalog, workspace: Workspace, fresh: int, quotas: Quotas | None = None
    ) -> None:
        self.catalog, self.workspace, self.fresh = catalog, workspace, max(fresh, 0)
        self.quotas = quotas

    def enable(self, request: RankRequest) -> bool:
        return True

    def run(self, batch: RankBatch, chosen: Sequence[int]) -> None:
        asks = batch.context.asks
        if self.quotas is not None:
            asks = self.quotas.applied(batch.requests, asks)
        pools = blend(
            batch.found, asks, _also(batch.requests), _given(batch), self.fresh, batch.context.blocked,
            len(self.catalog), self.workspace,
        )  # fmt: skip
        batch.offsets, batch.rows, batch.ranks, batch.origin = pools


def _given(batch: RankBatch) -> GivenPools:
    """The pools that requests bring themselves."""
    first, asked = np.zeros(len(batch) + 1, np.int64), np.zeros(len(batch), np.uint8)
    if not batch.given:
        return GivenPools(NO_ROWS, first, asked)
    its_rows = [batch.given.get(b, NO_ROWS) for b in range(len(batch))]
    first[1:] = list(accumulate(map(len, its_rows)))
    asked[list(batch.given)] = 1
    return GivenPools(its_rows[0] if len(its_rows) == 1 else np.concatenate(its_rows), first, asked)


def _also(requests: Sequence[RankRequest]) -> AddedRows:
    """What is to be scored besides the pools."""
    first = np.zeros(len(requests) + 1, np.int64)
    if not any(request.score_also for request in requests):
        return AddedRows(NO_ROWS, first)
    np.cumsum([len(request.score_also) for request in requests], out=first[1:])
    return AddedRows(np.array([row for request in requests for row in request.score_also], np.int32), first)
