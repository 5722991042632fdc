"""Hydrate: the model that scores each request, what it reads of the user, and what it makes of it."""

from __future__ import annotations

from collections.abc import Sequence

from streams.ranking.models import Models
from streams.ranking.rank_batch import RankBatch
from streams.ranking.request import RankRequest
from streams.ranking.user_views import read_views
from streams.state.catalog import Catalog


class Hydrate:
    """Writes `users`, `models` and `seen`: a history is encoded once, for finding and for rescoring.

    `length`: of the histories that models read.
    """

    def __init__(self, catalog: Catalog, models: Models, length: int) -> None:
        self.catalog, self.models, self.length = catalog, models, length

    def enable(self, request: RankRequest) -> bool:
        return request.plan.settings.rescoring.enabled

    def run(self, batch: RankBatch, chosen: Sequence[int]) -> None:
        batch.users = read_views(batch.context, self.length)
        for b in chosen:
            batch.models[b] = self.models.of(batch.requests[b].model)
        for model, numbers in batch.by_model(chosen):
            model.refresh(self.catalog)
            seen = model.see(batch.users.of(numbers))
            for row, b in enumerate(numbers):
                batch.seen[b] = seen, row
