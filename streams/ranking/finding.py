"""Find: each candidate source brings its best for each request."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from streams.counters.counters import Counters
from streams.ranking.candidates.context import Learned, SourceContext
from streams.ranking.candidates.source import BatchSource, Source
from streams.ranking.rank_batch import RankBatch
from streams.ranking.request import RankRequest
from streams.ranking.workspace import Workspace
from streams.state.catalog import Catalog

NO_ROWS = np.empty(0, np.int32)


class Find:
    """Writes `contexts` and `found`."""

    def __init__(
        self, catalog: Catalog, counters: Counters, workspace: Workspace, sources: Sequence[Source]
    ) -> None:
        self.catalog, self.counters, self.workspace, self.sources = catalog, counters, workspace, sources

    def enable(self, request: RankRequest) -> bool:
        return True

    def run(self, batch: RankBatch, chosen: Sequence[int]) -> None:
        learned = self._learned(batch, chosen)
        biases = batch.users.bias or [None] * len(batch)
        batch.contexts = [
            SourceContext(
                request, self.catalog, self.counters, self.workspace, batch.blocked[b], learned.get(b),
                biases[b],
            )
            for b, request in enumerate(batch.requests)
        ]  # fmt: skip
        batch.found = [[NO_ROWS] * len(self.sources) for _ in batch.contexts]
        for at, source in enumerate(self.sources):
            asking = [b for b, context in enumerate(batch.contexts) if at in context.request.plan.asked]
            contexts = [batch.contexts[b] for b in asking]
            if isinstance(source, BatchSource):
                found = source.find_each(contexts)
            else:
                found = [source.find(context) for context in contexts]
            for b, rows in zip(asking, found, strict=True):
                batch.found[b][at] = rows

    def _learned(self, batch: RankBatch, chosen: Sequence[int]) -> dict[int, Learned]:
        """The users' vectors with the keys of all items, in one run for each model that retrieves."""
        found: dict[int, Learned] = {}
        for model, numbers in batch.by_model(chosen):
            if model.users is not None:
                vectors = model.user_vectors(batch.users.of(numbers))
                keys = model.keys[: model.known]
                found |= {
                    b: Learned(vector, keys, model.index) for b, vector in zip(numbers, vectors, strict=True)
                }
        return found
