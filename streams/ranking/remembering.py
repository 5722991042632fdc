"""Remember: what is known of the users, as the later stages read it."""

from __future__ import annotations

from collections.abc import Sequence

from streams.counters.counters import Counters
from streams.ranking.candidates.context import BatchContext
from streams.ranking.guests import guests_of
from streams.ranking.rank_batch import RankBatch
from streams.ranking.request import RankRequest
from streams.ranking.workspace import Workspace
from streams.state.catalog import Catalog


class Remember:
    """Writes `context` and `guests`; what the batch before has left in the workspace is forgotten.
    Histories and signals are read when a stage first asks for them.
    """

    def __init__(self, catalog: Catalog, counters: Counters, workspace: Workspace) -> None:
        self.catalog, self.counters, self.workspace = catalog, counters, workspace

    def enable(self, request: RankRequest) -> bool:
        return True

    def run(self, batch: RankBatch, chosen: Sequence[int]) -> None:
        batch.guests = guests_of(batch.requests, self.catalog, self.counters, self.workspace)
        number = self.workspace.begin()
        batch.context = BatchContext(batch.requests, self.catalog, self.counters, self.workspace, number)
