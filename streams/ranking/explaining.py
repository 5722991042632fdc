"""Explain: a reason for each place."""

from __future__ import annotations

from collections.abc import Sequence

from streams.counters.counters import Counters
from streams.ranking.explanations import AFTER_WINDOW, Why, explain
from streams.ranking.rank_batch import RankBatch
from streams.ranking.request import RankRequest
from streams.ranking.workspace import Workspace
from streams.state.catalog import Catalog


class Explain:
    """Writes `reasons`. `names`: of the sources."""

    def __init__(
        self, catalog: Catalog, counters: Counters, workspace: Workspace, names: Sequence[str]
    ) -> None:
        self.catalog, self.counters, self.workspace, self.names = catalog, counters, workspace, names

    def enable(self, request: RankRequest) -> bool:
        return request.explain

    def run(self, batch: RankBatch, chosen: Sequence[int]) -> None:
        for b in chosen:
            draft = batch.draft(b)
            context = batch.context.of(b)
            liked = context.history[:AFTER_WINDOW]
            if context.signs is not None:
                liked = liked[context.signs[:AFTER_WINDOW] > 0]
            why = Why(
                liked, self.catalog, self.counters.pairs, self.counters.popularity.total,
                self.workspace.places, self.workspace.entities,
            )  # fmt: skip
            sources = [self.names[origin] for origin in draft.origin[draft.order]]
            batch.reasons[b] = explain(draft.rows[draft.order], sources, why)
