"""Items that are not what the request asks for: other categories, tags, attributes or prices."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from streams.ranking.attribute_expression import matching
from streams.ranking.request import NO_FILTER, RankRequest
from streams.state.catalog import Catalog


class AskedFor:
    """Blocks what the request's `ItemFilter` does not ask for."""

    about_user = False

    def enable(self, request: RankRequest) -> bool:
        asked = request.filter
        return asked is not NO_FILTER and replace(asked, available=True) != NO_FILTER

    def mark(self, request: RankRequest, catalog: Catalog, mask: NDArray[np.uint8]) -> None:
        asked, facets, items = request.filter, catalog.facets, len(catalog)
        if asked.categories:
            mask[:items] |= ~facets.in_categories(asked.categories, items)
        for tag in asked.tags:
            mask[:items] |= ~facets.having_any([("tag", "", tag)], items)
        for name, value in asked.attributes.items():
            mask[:items] |= ~facets.having_any([("attribute", name, value)], items)
        if asked.expression is not None:
            mask[:items] |= ~matching(
                asked.expression, lambda name, value: facets.having_any([("attribute", name, value)], items)
            )
        if asked.price_from is not None or asked.price_to is not None:
            mask[:items] |= ~facets.priced(asked.price_from, asked.price_to, items)
