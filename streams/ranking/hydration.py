"""Hydrate: the model that scores each request, and what it reads of the user."""

from __future__ import annotations

from collections.abc import Sequence

from streams.counters.counters import Counters
from streams.ranking.models import Models
from streams.ranking.rank_batch import RankBatch
from streams.ranking.request import RankRequest
from streams.ranking.user_views import read_view
from streams.state.catalog import Catalog


class Hydrate:
    """Writes `users` and `models`."""

    def __init__(self, catalog: Catalog, counters: Counters, models: Models) -> None:
        self.catalog, self.counters, self.models = catalog, counters, models

    def enable(self, request: RankRequest) -> bool:
        return request.plan.settings.rescoring.enabled

    def run(self, batch: RankBatch, chosen: Sequence[int]) -> None:
        for b in chosen:
            batch.models[b] = self.models.of(batch.requests[b].model)
            read_view(batch.users, b, batch.requests[b], self.counters)
        for model, _ in batch.by_model(chosen):
            model.refresh(self.catalog)
