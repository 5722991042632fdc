"""Features: what a model reads of each candidate."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from model.features import Candidates, ItemColumns, candidate_features
from model.schema import F32
from streams.counters.counters import Counters
from streams.ranking.rank_batch import RankBatch
from streams.ranking.request import RankRequest
from streams.ranking.workspace import Workspace
from streams.state.catalog import Catalog


class Features:
    """Writes `features` and `featured`."""

    def __init__(self, catalog: Catalog, counters: Counters, workspace: Workspace) -> None:
        self.catalog, self.counters, self.workspace = catalog, counters, workspace

    def enable(self, request: RankRequest) -> bool:
        return request.plan.settings.rescoring.enabled

    def run(self, batch: RankBatch, chosen: Sequence[int]) -> None:
        numbers = np.array(chosen, np.int64)
        batch.featured[numbers] = True
        shared = batch.context.entities(numbers)
        batch.features = candidate_features(
            Candidates(batch.offsets, batch.rows, batch.text_rows(), batch.ranks, batch.context.now_ms),
            numbers,
            self._columns(batch.context.now_ms),
            batch.context.pairs(numbers).parts,
            None if shared is None else shared.parts,
            self.catalog.text,
            _views(batch),
            self.workspace.places,
        )

    def _columns(self, now_ms: NDArray[np.int64]) -> ItemColumns:
        """What is known of all items."""
        popularity = self.counters.popularity
        return ItemColumns(
            popularity.decayed, popularity.ages(now_ms), popularity.total, popularity.shown,
            popularity.rating_sum, popularity.rating_count, self.catalog.added_ms, popularity.last_ms,
            popularity.mean_rating(),
        )  # fmt: skip


def _views(batch: RankBatch) -> F32:
    """The vectors of each user that candidates' texts are compared with: [B, 6, dim]."""
    users, tastes = batch.users, batch.context.tastes
    parts = (tastes.last, tastes.every, users.words, users.liked, users.query, tastes.liked)
    views: F32 = np.concatenate(parts, axis=1).reshape(len(batch), len(parts), -1)
    return views
