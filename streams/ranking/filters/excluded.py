"""Items that the request names as not to be shown."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from streams.ranking.request import RankRequest
from streams.state.catalog import Catalog


class Excluded:
    """Blocks the rows that the request excludes. It ignores rows beyond the catalog."""

    about_user = False

    def enable(self, request: RankRequest) -> bool:
        return bool(request.exclude)

    def mark(self, request: RankRequest, catalog: Catalog, mask: NDArray[np.uint8]) -> None:
        rows = np.array(request.exclude, np.int64)
        mask[rows[(rows >= 0) & (rows < len(mask))]] = 1
