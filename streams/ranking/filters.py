"""Which items may not be recommended, and why. A rule marks the rows it removes; add one to `rules`."""

from __future__ import annotations

from collections.abc import Callable, Collection

import numpy as np
from numpy.typing import NDArray

from streams.state.catalog import Catalog
from streams.state.consumed import blocking_actions
from streams.state.user_state import UserState

Rule = Callable[[UserState, Catalog, NDArray[np.uint8]], None]
"""Sets 1 in a mask over rows, at least as long as the catalog."""


def consumed_by(blocking: int) -> Rule:
    """Items the user has met by one of the actions in `blocking` (`consumed.blocking_actions`)."""

    def consumed(state: UserState, catalog: Catalog, mask: NDArray[np.uint8]) -> None:
        state.consumed.mark(mask, blocking)

    return consumed


def unavailable(state: UserState, catalog: Catalog, mask: NDArray[np.uint8]) -> None:
    """Items that can't be had now."""
    items = len(catalog)
    mask[:items] |= ~catalog.available[:items]


def rules(repeat: bool | Collection[str]) -> tuple[Rule, ...]:
    """The rules in force. `repeat`: whether consumed items may come back, or after which actions they may."""
    blocking = blocking_actions(repeat)
    return (consumed_by(blocking), unavailable) if blocking else (unavailable,)


def blocked(
    state: UserState, catalog: Catalog, rules: tuple[Rule, ...], into: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """A mask over rows, 1 where any rule removes the item, written into `into`."""
    into[:] = 0
    for rule in rules:
        rule(state, catalog, into)
    return into
