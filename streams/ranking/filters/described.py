"""Whether candidates may be shown of which the request itself says what they are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from streams.ranking.attribute_expression import matching
from streams.ranking.given_fields import Described
from streams.ranking.request import ItemFilter
from streams.state.category_paths import with_steps_above


def fitting(asked: ItemFilter, items: Sequence[Described]) -> NDArray[np.bool_]:
    """Which of them the filter asks for, by the rules of `Unavailable` and `AskedFor`: bool [n]."""
    fits = np.array([each.available or not asked.available for each in items], np.bool_)
    if asked.categories:
        fits &= [not set(asked.categories).isdisjoint(with_steps_above(each.categories)) for each in items]
    if asked.tags:
        fits &= [set(asked.tags).issubset(each.tags) for each in items]

    def having(name: str, value: str) -> NDArray[np.bool_]:
        return np.array([each.attributes.get(name) == value for each in items], np.bool_)

    for name, value in asked.attributes.items():
        fits &= having(name, value)
    if asked.expression is not None:
        fits &= matching(asked.expression, having)
    prices = np.array([np.nan if each.price is None else each.price for each in items], np.float64)
    if asked.price_from is not None:
        fits &= prices >= asked.price_from
    if asked.price_to is not None:
        fits &= prices <= asked.price_to
    return fits
