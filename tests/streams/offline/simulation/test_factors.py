"""Vectors of users and items."""

from __future__ import annotations

import numpy as np

from streams.offline.simulation.factors import RIDGE, UNMET, factors


def test_who_meets_the_same_is_alike() -> None:
    """Two groups, each with items of its own."""
    rng = np.random.default_rng(1)
    users, items = np.nonzero(rng.random((30, 20)) < 0.6)
    kept = users % 2 == items % 2
    x, y = factors(users[kept], items[kept], (30, 21), 2, 7)
    told = x @ y.T
    same = np.arange(30)[:, None] % 2 == np.arange(20) % 2
    assert told[:, :20][same].min() > told[:, :20][~same].max()
    assert not y[20].any()


def test_each_side_solves_its_equations() -> None:
    """The derivative of the loss, written out, is zero for the side that was solved last."""
    rng = np.random.default_rng(2)
    met = rng.random((12, 9)) < 0.4
    users, items = np.nonzero(met)
    x, y = factors(users, items, (12, 9), 3, 7)
    for item in range(9):
        left = -sum((1 - x[u] @ y[item]) * x[u] for u in np.flatnonzero(met[:, item]))
        everywhere = UNMET * sum((x[u] @ y[item]) * x[u] for u in range(12))
        ridge = RIDGE * (met[:, item].sum() + UNMET * 12) * y[item]
        assert np.abs(left + everywhere + ridge).max() < 1e-8
    again = factors(users, items, (12, 9), 3, 7)
    assert (again[0] == x).all()
    assert (again[1] == y).all()
