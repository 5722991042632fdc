"""What a reranker is."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from streams.ranking.draft import Draft
from streams.ranking.request import RankRequest


class Reranker(Protocol):
    """Moves places of one slate."""

    def enable(self, request: RankRequest) -> bool:
        """Whether the request asks for it."""
        ...

    def rerank(self, draft: Draft, chosen: NDArray[np.intp], order: NDArray[np.intp]) -> NDArray[np.intp]:
        """The places anew, as many as before. chosen: the slate's places so far, as indices into the draft's
        rows; order: all that may have a place, best first.
        """
        ...
