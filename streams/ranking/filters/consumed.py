"""Items that the user has met in a way that keeps them from coming back."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from streams.ranking.request import RankRequest
from streams.state.catalog import Catalog


class Consumed:
    """Blocks what the user has met. `feed.repeat` names the actions after which an item may come back."""

    about_user = True

    def enable(self, request: RankRequest) -> bool:
        return request.plan.meanings.blocking != 0

    def mark(self, request: RankRequest, catalog: Catalog, mask: NDArray[np.uint8]) -> None:
        request.state.consumed.mark(mask, request.plan.meanings.blocking)
