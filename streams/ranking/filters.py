"""Which items may not be recommended, and why. A rule marks the rows it removes; add one to `rules`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from streams.state.catalog import Catalog
from streams.state.user_state import UserState

Rule = Callable[[UserState, Catalog, NDArray[np.uint8]], None]
"""Sets 1 in a mask over rows, at least as long as the catalog."""


def consumed_by(blocking: int) -> Rule:
    """Items the user has met by one of the actions in `blocking` (`action_meaning.Meanings`)."""

    def consumed(state: UserState, catalog: Catalog, mask: NDArray[np.uint8]) -> None:
        state.consumed.mark(mask, blocking)

    return consumed


def unavailable(state: UserState, catalog: Catalog, mask: NDArray[np.uint8]) -> None:
    """Items that can't be had now."""
    items = len(catalog)
    mask[:items] |= ~catalog.available[:items]


def rules(blocking: int) -> tuple[Rule, ...]:
    """The rules in force. `blocking`: the actions after which an item does not come back."""
    return consumed_by(blocking), unavailable


def blocked(
    state: UserState, catalog: Catalog, rules: tuple[Rule, ...], into: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """A mask over rows, 1 where any rule removes the item, written into `into`."""
    into[:] = 0
    for rule in rules:
        rule(state, catalog, into)
    return into
