"""What a stage of the pipeline is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from streams.ranking.rank_batch import RankBatch
from streams.ranking.request import RankRequest


class Stage(Protocol):
    """The pipeline calls it once a batch. It reads what earlier stages wrote, and writes its own fields."""

    def enable(self, request: RankRequest) -> bool:
        """Whether the request asks for it."""
        ...

    def run(self, batch: RankBatch, chosen: Sequence[int]) -> None:
        """Work on the requests with these numbers: those that ask for the stage, one at least."""
        ...
