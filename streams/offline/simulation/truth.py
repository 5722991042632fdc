"""What is true of the simulated world, which the core is never told: what each item is worth to each user."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from streams.offline.simulation.choice import Rows, best, looked_at, tempts, value_of
from streams.offline.simulation.draws import F64
from streams.offline.simulation.fitting import Fitted
from streams.offline.simulation.population import Population
from streams.offline.simulation.scenario import Drift, Scenario

JUDGED_MAX = 500
"""So many users are looked at to set the level of the outside option."""
LEVELS = (-50.0, 50.0)


class Truth:
    """Utilities before and after the drift, if there is one; `level` is that of the outside option."""

    def __init__(
        self,
        model: Fitted,
        people: Population,
        scenario: Scenario,
        met: Mapping[int, Rows],
        seed: int,
    ) -> None:
        """`met`: the items that each user, by number, has met before."""
        self.model, self.people, self.scenario = model, people, scenario
        drift = scenario.drift
        self._drift_at = scenario.visits if drift is None else drift.at
        before = model.popularity, people.tastes
        after = before if drift is None else drifted(*before, drift, seed)
        self._worlds = before, after
        self.looked = looked_at(scenario.places, scenario.position_bias)
        self.level = self._level(met)

    def utility(self, user: int, visit: int) -> F64:
        """Of all items to a user, at a visit by its number, [I]; without effect and satiation."""
        popularity, tastes = self._worlds[visit >= self._drift_at]
        return np.asarray(popularity + self.model.vectors @ tastes[user])

    def taste(self, user: int, visit: int, item: int) -> float:
        """The taste part of the utility."""
        return float(self.model.vectors[item] @ self._worlds[visit >= self._drift_at][1][user])

    def _level(self, met: Mapping[int, Rows]) -> float:
        """The level at which a slate of the most popular items not met gets `clicks` clicks on average."""
        utilities = []
        users = np.linspace(0, self.people.honest - 1, min(self.people.honest, JUDGED_MAX)).astype(int)
        for user in users.tolist():
            free = np.ones(len(self.model.items), bool)
            free[met.get(user, np.empty(0, np.int64))] = False
            rows = best(self.model.popularity, free, self.scenario.places)
            utilities.append(self.utility(user, 0)[rows])
        low, high = LEVELS
        for _ in range(60):
            level = (low + high) / 2.0
            mean = float(np.mean([value_of(self.looked, tempts(each, level)) for each in utilities]))
            low, high = (level, high) if mean > self.scenario.clicks else (low, level)
        return (low + high) / 2.0


def drifted(popularity: F64, tastes: F64, drift: Drift, seed: int) -> tuple[F64, F64]:
    """Popularity [I] and tastes [U, D] after a drift."""
    rng = np.random.default_rng((seed, 5))
    chosen = np.sort(rng.choice(len(popularity), round(drift.reversed * len(popularity)), replace=False))
    by_popularity = chosen[np.argsort(popularity[chosen], kind="stable")]
    after = popularity.copy()
    after[by_popularity] = popularity[by_popularity[::-1]]
    return after, tastes @ turning(tastes.shape[1], drift.turned, rng) if drift.turned else tastes


def turning(dimensions: int, degrees: float, rng: np.random.Generator) -> F64:
    """A rotation [D, D] by an angle in each of D // 2 planes that are drawn at random; where D is odd, one
    direction stays.
    """
    axes, _ = np.linalg.qr(rng.normal(size=(dimensions, dimensions)))
    turned = np.eye(dimensions)
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    for k in range(0, dimensions - 1, 2):
        turned[k : k + 2, k : k + 2] = [[cosine, -sine], [sine, cosine]]
    return np.asarray(axes @ turned @ axes.T)
