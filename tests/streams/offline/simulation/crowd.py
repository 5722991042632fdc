"""A small stream of users with tastes, for whole simulations."""

from __future__ import annotations

import numpy as np

from streams.datasets.dataset import Dataset
from streams.datasets.interactions import Interactions
from streams.offline.simulation.fitting import Fitted, fitted
from streams.offline.simulation.population import Population, population
from streams.offline.simulation.scenario import Scenario

START_MS = 1_700_000_000_000


def crowd(
    events: int = 1_200, users: int = 40, items: int = 80, seed: int = 3, rated: bool = True
) -> Dataset:
    """Two kinds of users and of items: users like their kind. Few items are popular, and nobody meets one
    twice; sessions of a few minutes.
    """
    rng = np.random.default_rng(seed)
    popular = rng.normal(0.0, 1.0, items)
    worth = popular + np.where(np.arange(users)[:, None] % 2 == np.arange(items) % 2, 1.5, -1.5)
    met = np.zeros((users, items), bool)
    stream_users: list[str] = []
    stream_items: list[str] = []
    ratings: list[float] = []
    user = 0
    while len(stream_users) < events:
        if not stream_users or rng.random() < 0.2:
            user = int(rng.integers(users))
        open_ = np.flatnonzero(~met[user])
        shares = np.exp(worth[user, open_])
        item = int(rng.choice(open_, p=shares / shares.sum()))
        met[user, item] = True
        stream_users.append(f"u{user}")
        stream_items.append(f"i{item}")
        ratings.append(float(np.clip(round(3.2 + worth[user, item] / 2 + rng.normal(0, 0.7)), 1, 5)))
    ts_ms = START_MS + np.cumsum(rng.integers(1, 60, events)) * 1_000
    stars = np.array(ratings if rated else [np.nan] * events, np.float32)
    return Dataset(Interactions(stream_users, stream_items, ts_ms, stars))


def fitted_crowd(seed: int = 7, rated: bool = True) -> Fitted:
    """Users fitted on it."""
    return fitted(crowd(rated=rated).interactions, (), 4, seed)


def people_of(model: Fitted, scenario: Scenario, known: int = 20, seed: int = 7) -> Population:
    """The users of a scenario, of whom some are known."""
    return population(model, set(model.users[:known]), scenario, seed)
