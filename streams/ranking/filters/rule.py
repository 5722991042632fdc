"""What a rule of the filter stage is."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from streams.ranking.request import RankRequest
from streams.state.catalog import Catalog


class Rule(Protocol):
    """Marks rows that a request may not show. `about_user`: whether that is due to what the user did; then it
    does not keep out what the request names as its candidates.
    """

    about_user: bool

    def enable(self, request: RankRequest) -> bool:
        """Whether it has anything to say of the request."""
        ...

    def mark(self, request: RankRequest, catalog: Catalog, mask: NDArray[np.uint8]) -> None:
        """Set 1 in `mask`, which is at least as long as the catalog."""
        ...
