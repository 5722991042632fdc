"""Items that can't be had now."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from streams.ranking.request import RankRequest
from streams.state.catalog import Catalog

SCATTERED = 0.02
"""Up to this share of all items it is faster to mark one by one than to look at all."""


class Unavailable:
    """Blocks what can't be had, unless the request asks for that too."""

    about_user = False

    def enable(self, request: RankRequest) -> bool:
        return request.filter.available

    def mark(self, request: RankRequest, catalog: Catalog, mask: NDArray[np.uint8]) -> None:
        items, withdrawn = len(catalog), catalog.withdrawn.members()
        if len(withdrawn) <= SCATTERED * items:
            mask[withdrawn] = 1
        else:
            mask[:items] |= (~catalog.available[:items]).view(np.uint8)
