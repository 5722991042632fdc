"""Features: what a model reads of each candidate."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from model.features import ItemColumns, candidate_features
from model.schema import F32
from streams.counters.counters import Counters
from streams.ranking.rank_batch import RankBatch
from streams.ranking.request import RankRequest
from streams.ranking.workspace import Workspace
from streams.state.catalog import Catalog

TEXTS = 5  # vectors of the user that candidates' texts are compared with: see TEXT_FEATURES


class Features:
    """Writes `features` and `featured`."""

    def __init__(self, catalog: Catalog, counters: Counters, workspace: Workspace) -> None:
        self.catalog, self.counters, self.workspace = catalog, counters, workspace

    def enable(self, request: RankRequest) -> bool:
        return request.plan.settings.rescoring.enabled

    def run(self, batch: RankBatch, chosen: Sequence[int]) -> None:
        batch.featured[list(chosen)] = True
        parts = {b: self._of(batch, b) for b in chosen}
        if len(parts) == len(batch):
            batch.features = np.concatenate(list(parts.values())) if len(parts) > 1 else parts[0]
            return
        width = next(iter(parts.values())).shape[1]
        batch.features = np.zeros((len(batch.rows), width), np.float32)
        for b, features in parts.items():
            batch.features[batch.part(b)] = features

    def _of(self, batch: RankBatch, b: int) -> F32:
        """[K, F] of one request."""
        context, popularity, text = batch.contexts[b], self.counters.popularity, self.catalog.text
        views = np.zeros((TEXTS, text.shape[1]), np.float32)
        if len(context.history):
            views[0], views[1] = text[context.history[0]], context.taste
        views[2], views[3], views[4] = batch.users.words[b], batch.users.liked[b], batch.users.query[b]
        columns = ItemColumns(
            popularity.decayed, popularity.ages(context.now_ms), popularity.total, popularity.shown,
            popularity.rating_sum, popularity.rating_count, self.catalog.added_ms, popularity.last_ms,
            popularity.mean_rating(),
        )  # fmt: skip
        rows, places, entities = batch.rows[batch.part(b)], self.workspace.places, context.entities
        return candidate_features(
            rows, columns, context.pairs.of(rows, places), context.now_ms, text, views,
            batch.ranks[batch.part(b)], None if entities is None else entities.of(rows, places),
        )  # fmt: skip
