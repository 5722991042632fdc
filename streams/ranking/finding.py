"""Find: each candidate source brings its best for each request."""

from __future__ import annotations

from collections.abc import Sequence

from streams.ranking.candidates.context import Learned
from streams.ranking.candidates.lists import BatchSource, empty_lists, fill
from streams.ranking.candidates.source import Source
from streams.ranking.rank_batch import RankBatch
from streams.ranking.request import RankRequest


class Find:
    """Writes `found`, and `learned` of the context."""

    def __init__(self, sources: Sequence[Source | BatchSource]) -> None:
        self.sources = sources

    def enable(self, request: RankRequest) -> bool:
        return True

    def run(self, batch: RankBatch, chosen: Sequence[int]) -> None:
        context, asks = batch.context, batch.context.asks
        context.learned = self._learned(batch, chosen)
        batch.found = empty_lists(len(self.sources), asks.columns.first)
        fill(self.sources, asks.asked, context, batch.found)

    def _learned(self, batch: RankBatch, chosen: Sequence[int]) -> list[Learned]:
        """The users' vectors with the keys of all items, for each model that retrieves."""
        return [
            Learned(numbers, batch.seen_of(numbers).vectors, model.keys[: model.known], model.index)
            for model, numbers in batch.by_model(chosen)
            if model.users is not None
        ]
