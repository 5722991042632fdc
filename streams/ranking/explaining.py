"""Explain: a reason for each place."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from streams.counters.counters import Counters
from streams.ranking.explanations import AFTER_WINDOW, EXPLORED, GIVEN, Places, ReasonSources, Recent, explain
from streams.ranking.rank_batch import RankBatch
from streams.ranking.request import RankRequest
from streams.ranking.workspace import Workspace
from streams.signals.histories import Histories
from streams.state.catalog import Catalog


class Explain:
    """Writes `reasons`. `names`: of the sources."""

    def __init__(
        self, catalog: Catalog, counters: Counters, workspace: Workspace, names: Sequence[str]
    ) -> None:
        self.catalog, self.counters, self.workspace = catalog, counters, workspace
        self.names = (*names, GIVEN)  # the last one is that of origin -1

    def enable(self, request: RankRequest) -> bool:
        return request.explain

    def run(self, batch: RankBatch, chosen: Sequence[int]) -> None:
        at, first = batch.placed(chosen)
        places = Places(np.array(first), batch.rows[at], batch.origin[at])
        why = ReasonSources(
            self.catalog, self.counters.pairs, self.counters.popularity.total, self.names,
            self.workspace.places, self.workspace.entities,
        )  # fmt: skip
        found = explain(places, liked(batch.context.histories, np.array(chosen, np.int64)), why)
        for b, reasons in zip(chosen, found, strict=True):
            batch.reasons[b] = reasons
            if b in batch.explored:
                for place in np.flatnonzero(batch.explored[b]).tolist():
                    reasons[place] = EXPLORED


def liked(histories: Histories, users: NDArray[np.int64]) -> Recent:
    """What these users liked of their newest items."""
    first, items = np.zeros(len(users) + 1, np.int64), np.empty(len(users) * AFTER_WINDOW, np.int32)
    n = _liked(histories.offsets, histories.items, histories.signs, users, first, items)
    return Recent(first, items[:n])


@compiled
def _liked(
    offsets: NDArray[np.int64],
    items: NDArray[np.int32],
    signs: NDArray[np.int8],
    users: NDArray[np.int64],
    first: NDArray[np.int64],
    found: NDArray[np.int32],
) -> int:
    n = 0
    for at in range(len(users)):
        begin = offsets[users[at]]
        for k in range(begin, min(offsets[users[at] + 1], begin + AFTER_WINDOW)):
            if signs[k] > 0:
                found[n] = items[k]
                n += 1
        first[at + 1] = n
    return n
