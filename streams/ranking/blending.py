"""Blend: what the sources brought as one pool for each request, all of them end to end."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from streams.ranking.candidates.blend import Pool, blend
from streams.ranking.candidates.rest import completed
from streams.ranking.rank_batch import RankBatch
from streams.ranking.request import RankRequest
from streams.state.catalog import Catalog


class Blend:
    """Writes `offsets`, `rows`, `ranks` and `origin`. `fresh`: the column of the source of new items."""

    def __init__(self, catalog: Catalog, fresh: int) -> None:
        self.catalog, self.fresh = catalog, max(fresh, 0)

    def enable(self, request: RankRequest) -> bool:
        return True

    def run(self, batch: RankBatch, chosen: Sequence[int]) -> None:
        pools = [self._pool(batch, b) for b in chosen]
        ends = accumulate((len(pool.rows) for pool in pools), initial=0)
        batch.offsets = np.fromiter(ends, np.int64, len(pools) + 1)
        batch.rows, batch.ranks, batch.origin = pools[0]
        if len(pools) > 1:
            batch.rows, batch.ranks, batch.origin = map(np.concatenate, zip(*pools, strict=True))

    def _pool(self, batch: RankBatch, b: int) -> Pool:
        request = batch.requests[b]
        plan = request.plan
        candidates = plan.settings.candidates
        wanted = max(candidates.pool, request.size)
        pool = blend(batch.found[b], plan.weights, plan.reserve, candidates.rank_constant, wanted)
        if request.complete:  # else it is asked what the sources bring
            pool = completed(pool, batch.blocked[b], len(self.catalog), request.places, self.fresh)
        return _with(pool, request.score_also)


def _with(pool: Pool, rows: Sequence[int]) -> Pool:
    """The pool with `rows` at its end, found by no source."""
    if not rows:
        return pool
    extra = np.array(rows, np.int32)
    return Pool(
        np.concatenate([pool.rows, extra]),
        np.concatenate([pool.ranks, np.zeros((len(extra), pool.ranks.shape[1]), np.int32)]),
        np.concatenate([pool.origin, np.full(len(extra), -1, np.int8)]),
    )
