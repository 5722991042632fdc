"""A choice model, fitted on a dataset."""

from __future__ import annotations

import numpy as np
import pytest

from model.errors import DataError
from streams.datasets.interactions import Interactions
from streams.offline.simulation.fitting import fitted, whitened
from tests.streams.offline.simulation.crowd import crowd, fitted_crowd


def test_tastes_and_popularity_tell_choices_that_were_held_out() -> None:
    fit = fitted_crowd().fit
    assert fit.choices == 120
    assert fit.chance < fit.popularity_alone - 0.05
    assert fit.popularity_alone < fit.with_taste - 0.05
    assert fit.popularity_weight > 0.3
    assert fit.taste_weight > 0


def test_users_of_a_kind_want_items_of_their_kind() -> None:
    model = fitted_crowd()
    taste = model.tastes @ model.vectors.T
    users = np.array([int(name[1:]) % 2 for name in model.users])
    items = np.array([int(name[1:]) % 2 for name in model.items])
    same = users[:, None] == items
    assert taste[same].mean() > taste[~same].mean() + 0.5


def test_whitening_keeps_the_products() -> None:
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(6, 3)), rng.normal(size=(40, 3)) @ rng.normal(size=(3, 3))
    a, b = whitened(x, y)
    assert a @ b.T == pytest.approx(x @ y.T)
    assert b.T @ b / 40 == pytest.approx(np.eye(3), abs=1e-9)
    flat, _ = whitened(x, np.zeros((40, 3)))
    assert flat.shape == (6, 0)


def test_the_same_data_and_seed_give_the_same_bits() -> None:
    one, two = fitted_crowd(), fitted_crowd()
    assert (one.tastes == two.tastes).all()
    assert (one.vectors == two.vectors).all()
    assert one.fit == two.fit


def test_items_that_are_only_described_are_there_too() -> None:
    model = fitted(crowd().interactions, ["i0", "unseen"], 4, 7)
    assert model.items[-1] == "unseen"
    assert model.popularity[-1] == 0.0
    assert not model.vectors[-1].any()


def test_too_little_data_is_refused() -> None:
    few = Interactions(["a"] * 3, ["x", "y", "z"], np.arange(3), np.full(3, np.nan, np.float32))
    with pytest.raises(DataError, match="3 pairs of users and items, 3 items: too few"):
        fitted(few, (), 4, 7)
