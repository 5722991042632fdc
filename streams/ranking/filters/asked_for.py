"""Items that are not what the request asks for: other categories, tags, attributes or prices."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from streams.ranking.filters.asked_parts import asked_parts
from streams.ranking.request import NO_FILTER, RankRequest
from streams.state.catalog import Catalog


class AskedFor:
    """Blocks what the request's `ItemFilter` does not ask for."""

    about_user = False

    def enable(self, request: RankRequest) -> bool:
        asked = request.filter
        return asked is not NO_FILTER and replace(asked, available=True) != NO_FILTER

    def mark(self, request: RankRequest, catalog: Catalog, mask: NDArray[np.uint8]) -> None:
        for part in asked_parts(catalog, request.filter):
            mask[: len(catalog)] |= ~part.fits
