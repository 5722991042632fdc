"""Items that the request names as not to be shown."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from streams.ranking.request import RankRequest
from streams.state.catalog import Catalog


class Excluded:
    """Rows beyond the catalog are nothing that could be shown."""

    def enable(self, request: RankRequest) -> bool:
        return bool(request.exclude)

    def mark(self, request: RankRequest, catalog: Catalog, mask: NDArray[np.uint8]) -> None:
        rows = np.array(request.exclude, np.int64)
        mask[rows[(rows >= 0) & (rows < len(mask))]] = 1
