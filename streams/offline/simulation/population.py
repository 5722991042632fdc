"""The simulated users: those of the data, new ones who are a mixture of two of them, and hostile ones."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streams.offline.simulation.draws import F64
from streams.offline.simulation.factors import Numbers
from streams.offline.simulation.fitting import Fitted
from streams.offline.simulation.scenario import Scenario

MIXED = (0.8, 0.6)
"""What a new user takes of the tastes of two others: the squares' sum is 1, so tastes stay as strong."""


@dataclass(frozen=True)
class Population:
    """By number, the honest ones first. `alike` [U]: the fitted user whose activity and stars each has.

    `known` [U]: the core has met them before; `hostile` [U]: they attack.
    """

    names: list[str]
    alike: Numbers
    tastes: F64
    known: NDArray[np.bool_]
    hostile: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.names)

    @property
    def honest(self) -> int:
        """How many are; their numbers are the first ones."""
        return len(self.names) - int(self.hostile.sum())


def population(model: Fitted, known: Collection[str], scenario: Scenario, seed: int) -> Population:
    """The users of a scenario; `known`: those whom the core has met."""
    rng = np.random.default_rng((seed, 2))
    wanted = scenario.users or len(model.users)
    own = min(wanted - round(scenario.newcomers * wanted), len(model.users))
    alike = rng.choice(len(model.users), own, replace=False)
    names = [model.users[k] for k in alike]
    first, second = (rng.integers(0, len(model.users), wanted - own) for _ in range(2))
    mixed = MIXED[0] * model.tastes[first] + MIXED[1] * model.tastes[second]
    taken = {*model.users, *known}
    names += _unused("new", wanted - own, taken)
    hostile = 0
    if scenario.attack is not None:
        hostile = max(1, round(wanted * scenario.attack.share / (1.0 - scenario.attack.share)))
    rest = rng.integers(0, len(model.users), hostile)
    names += _unused("hostile", hostile, taken)
    heard = {*known}
    return Population(
        names,
        np.concatenate([alike, first, rest]).astype(np.int64),
        np.concatenate([model.tastes[alike], mixed, model.tastes[rest]]),
        np.array([name in heard for name in names], bool),
        np.arange(len(names)) >= wanted,
    )


def _unused(kind: str, count: int, taken: Collection[str]) -> list[str]:
    """So many names that nobody has."""
    while any(f"{kind}-{k}" in taken for k in range(count)):
        kind = f"{kind}-"
    return [f"{kind}-{k}" for k in range(count)]
