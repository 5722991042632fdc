"""What is true of the simulated world."""

from __future__ import annotations

import numpy as np
import pytest

from streams.offline.simulation.choice import Rows, best, tempts, value_of
from streams.offline.simulation.scenario import Drift, Scenario
from streams.offline.simulation.truth import Truth, drifted, turning
from tests.streams.offline.simulation.crowd import fitted_crowd, people_of


def truth_of(scenario: Scenario, met: dict[int, Rows] | None = None) -> Truth:
    model = fitted_crowd()
    return Truth(model, people_of(model, scenario), scenario, met or {}, 7)


@pytest.mark.parametrize("clicks", [0.1, 0.5, 2.0])
def test_slates_of_what_is_popular_get_the_clicks_that_were_stated(clicks: float) -> None:
    met = {0: np.arange(70), 3: np.array([1, 2])}
    truth = truth_of(Scenario(clicks=clicks, places=8), met)
    values = []
    for user in range(40):
        free = np.ones(80, bool)
        free[met.get(user, [])] = False
        rows = best(truth.model.popularity, free, 8)
        values.append(value_of(truth.looked, tempts(truth.utility(user, 0)[rows], truth.level)))
    assert np.mean(values) == pytest.approx(clicks, rel=1e-6)


def test_a_utility_is_popularity_and_taste() -> None:
    truth = truth_of(Scenario())
    utility = truth.utility(5, 0)
    for item in (0, 17):
        parts = truth.model.popularity[item], truth.taste(5, 0, item)
        assert utility[item] == pytest.approx(sum(parts))


def test_a_drift_begins_at_its_visit() -> None:
    truth = truth_of(Scenario(drift=Drift(100, 0.5)))
    assert (truth.utility(2, 99) == truth.utility(2, 0)).all()
    assert (truth.utility(2, 100) == truth.utility(2, 9_999)).all()
    changed = truth.utility(2, 100) != truth.utility(2, 99)
    assert 20 < changed.sum() <= 40


def test_popularity_is_reversed_within_a_share_of_the_items() -> None:
    popularity, tastes = np.arange(10.0), np.eye(10)
    whole, same = drifted(popularity, tastes, Drift(0, 1.0), 7)
    assert whole.tolist() == popularity[::-1].tolist()
    assert same is tastes
    half, _ = drifted(popularity, tastes, Drift(0, 0.5), 7)
    moved = np.flatnonzero(half != popularity)
    assert len(moved) in (4, 5)
    assert sorted(half) == popularity.tolist()
    assert (np.diff(half[moved]) < 0).all()


def test_tastes_turn_and_keep_their_lengths() -> None:
    rng = np.random.default_rng(1)
    turn = turning(5, 30.0, rng)
    assert turn @ turn.T == pytest.approx(np.eye(5))
    assert np.trace(turn) == pytest.approx(4 * np.cos(np.radians(30)) + 1)
    assert turning(4, 0.0, rng) == pytest.approx(np.eye(4))
    tastes = rng.normal(size=(6, 4))
    _, turned = drifted(np.arange(3.0), tastes, Drift(0, 0.0, 180.0), 7)
    assert turned == pytest.approx(-tastes)
