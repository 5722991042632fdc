"""Which items may not be recommended, and why. A rule names the rows it removes; add one to `rules`."""

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


def rules(repeat: bool) -> tuple[Rule, ...]:
    """The rules in force; with `repeat`, consumed items may come back."""
    return (unavailable,) if repeat else (consumed, unavailable)


def blocked(
    state: UserState, catalog: Catalog, rules: tuple[Rule, ...], into: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """A mask over rows, 1 where any rule removes the item, written into `into`."""
    into[:] = 0
    for rule in rules:
        into[rule(state, catalog)] = 1
    return into
