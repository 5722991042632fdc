"""Which items may not be recommended, and why. Each rule names the rows it removes; add a rule to `RULES`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from streams.catalog import Catalog
from streams.user_state import UserState

Rule = Callable[[UserState, Catalog], NDArray[np.integer]]


def consumed(state: UserState, catalog: Catalog) -> NDArray[np.integer]:
    """Items the user has already acted on."""
    return np.concatenate([state.consumed, state.consumed_before])


def unavailable(state: UserState, catalog: Catalog) -> NDArray[np.integer]:
    """Items that can't be had now."""
    return np.flatnonzero(~catalog.available[: len(catalog)])


RULES: tuple[Rule, ...] = (consumed, unavailable)


def blocked(
    state: UserState, catalog: Catalog, rules: tuple[Rule, ...], into: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """A mask over rows, 1 where any rule removes the item, written into `into`."""
    into[:] = 0
    for rule in rules:
        into[rule(state, catalog)] = 1
    return into
