"""Find: each candidate source brings its best for each request."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from streams.ranking.candidates.context import Learned
from streams.ranking.candidates.lists import BatchSource, empty_lists, fill
from streams.ranking.candidates.source import Source
from streams.ranking.rank_batch import RankBatch
from streams.ranking.request import RankRequest
from streams.state.catalog import Catalog


class Find:
    """Writes `found`, and into `context` what models retrieve by."""

    def __init__(self, catalog: Catalog, sources: Sequence[Source | BatchSource]) -> None:
        self.catalog, self.sources = catalog, sources

    def enable(self, request: RankRequest) -> bool:
        return True

    def run(self, batch: RankBatch, chosen: Sequence[int]) -> None:
        context = batch.context
        context.blocked, context.learned = batch.blocked, self._learned(batch, chosen)
        asked: list[list[int]] = [[] for _ in self.sources]
        for b, request in enumerate(batch.requests):
            for at in request.plan.asked:
                asked[at].append(b)
        batch.found = empty_lists(len(self.sources), context.limits, len(self.catalog))
        fill(self.sources, [np.array(numbers, np.int64) for numbers in asked], context, batch.found)

    def _learned(self, batch: RankBatch, chosen: Sequence[int]) -> dict[int, Learned]:
        """The users' vectors with the keys of all items, in one run for each model that retrieves."""
        found: dict[int, Learned] = {}
        for model, numbers in batch.by_model(chosen):
            if model.users is not None:
                vectors = model.user_vectors(batch.users.of(numbers))
                keys = model.keys[: model.known]
                found |= {b: Learned(vector, keys) for b, vector in zip(numbers, vectors, strict=True)}
        return found
