"""Items that can't be had now."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from streams.ranking.request import RankRequest
from streams.state.catalog import Catalog


class Unavailable:
    """Blocks what can't be had, unless the request asks for that too."""

    def enable(self, request: RankRequest) -> bool:
        return request.filter.available

    def mark(self, request: RankRequest, catalog: Catalog, mask: NDArray[np.uint8]) -> None:
        items = len(catalog)
        mask[:items] |= ~catalog.available[:items]
