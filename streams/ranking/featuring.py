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

TEXTS = 6  # vectors of the user that candidates' texts are compared with: see TEXT_FEATURES


class Features:
    """Writes `features` and `featured`."""

    def __init__(self, catalog: Catalog, counters: Counters, workspace: Workspace) -> None:
        self.catalog, self.counters, self.workspace = catalog, counters, workspace

    def enable(self, request: RankRequest) -> bool:
        return request.plan.settings.rescoring.enabled

    def run(self, batch: RankBatch, chosen: Sequence[int]) -> None:
        batch.featured[list(chosen)] = True
        moments = {batch.requests[b].now_ms for b in chosen}  # most often one for the whole batch
        columns = {now_ms: self._columns(now_ms) for now_ms in moments}
        parts = [self._of(batch, b, columns[batch.requests[b].now_ms]) for b in chosen]
        if len(chosen) == len(batch):
            batch.features = np.concatenate(parts) if len(parts) > 1 else parts[0]
            return
        batch.features = np.zeros((len(batch.rows), parts[0].shape[1]), np.float32)
        for b, features in zip(chosen, parts, strict=True):
            batch.features[batch.part(b)] = features

    def _columns(self, now_ms: int) -> ItemColumns:
        """What is known of all items at this moment."""
        popularity = self.counters.popularity
        return ItemColumns(
            popularity.decayed, popularity.ages(now_ms), popularity.total, popularity.shown,
            popularity.rating_sum, popularity.rating_count, self.catalog.added_ms, popularity.last_ms,
            popularity.mean_rating(),
        )  # fmt: skip

    def _of(self, batch: RankBatch, b: int, columns: ItemColumns) -> F32:
        """[K, F] of one request."""
        context, text, part = batch.contexts[b], self.catalog.text, batch.part(b)
        views = np.zeros((TEXTS, text.shape[1]), np.float32)
        if len(context.history):
            views[0], views[1], views[5] = text[context.history[0]], context.taste, context.liked_taste
        views[2], views[3], views[4] = batch.users.words[b], batch.users.liked[b], batch.users.query[b]
        rows, places, entities = batch.rows[part], self.workspace.places, context.entities
        return candidate_features(
            rows, columns, context.pairs.of(rows, places), context.now_ms, text, views, batch.ranks[part],
            None if entities is None else entities.of(rows, places),
        )  # fmt: skip
