"""Which items may not be recommended, and why. A rule marks the rows it removes; add one to `rules`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from streams.catalog import Catalog
from streams.user_state import UserState

Rule = Callable[[UserState, Catalog, NDArray[np.uint8]], None]
"""Sets 1 in a mask over rows, at least as long as the catalog."""


def consumed(state: UserState, catalog: Catalog, mask: NDArray[np.uint8]) -> None:
    """Items the user has already acted on."""
    mask[state.consumed] = 1
    mask[state.consumed_before] = 1


def unavailable(state: UserState, catalog: Catalog, mask: NDArray[np.uint8]) -> None:
    """Items that can't be had now."""
    items = len(catalog)
    mask[:items] |= ~catalog.available[:items]


def rules(repeat: bool) -> tuple[Rule, ...]:
    """The rules in force; with `repeat`, consumed items may come back."""
    return (unavailable,) if repeat else (consumed, unavailable)


def blocked(
    state: UserState, catalog: Catalog, rules: tuple[Rule, ...], into: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """A mask over rows, 1 where any rule removes the item, written into `into`."""
    into[:] = 0
    for rule in rules:
        rule(state, catalog, into)
    return into
