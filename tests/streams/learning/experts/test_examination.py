from __future__ import annotations

import numpy as np
import pytest

from streams.learning.experts.examination import EVERY, PLACES, Examination


def shown(
    examination: Examination, rng: np.random.Generator, slates: int, eta: float, moved: float, items: int = 40
) -> None:
    """Slates of which users look at place r in proportion to r ** -eta, then click what draws them: an item
    by its own attraction. A slate is in the order of attraction; `moved` of them are mixed.
    """
    attraction = rng.uniform(0.05, 0.9, items)
    seen = np.arange(1, 13) ** -eta
    for _ in range(slates):
        rows = rng.choice(items, 12, replace=False)
        rows = rows[np.argsort(-attraction[rows])]
        if rng.random() < moved:
            rows = rng.permutation(rows)
        clicked = np.flatnonzero(rng.random(12) < seen * attraction[rows])
        base = np.round(attraction[rows], 1).astype(np.float32)
        examination.see(rows.astype(np.int32), base, np.ones(12, np.bool_), clicked)


def test_it_begins_as_it_is_believed() -> None:
    examination = Examination(0.5)
    np.testing.assert_allclose(np.exp(examination.log_chance[[0, 3, 99]]), [1, 0.5, 0.1])


@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_where_items_move_the_curve_is_found(eta: float) -> None:
    examination, rng = Examination(0.5), np.random.default_rng(1)
    shown(examination, rng, 12_000, eta, moved=0.3)
    np.testing.assert_allclose(
        np.array(examination.report().chance), np.arange(1, PLACES + 1) ** -eta, rtol=0.35, atol=0.05
    )
    assert min(examination.report().moved) > 100


def test_where_nothing_moves_it_stays_as_it_is_believed() -> None:
    examination, rng = Examination(0.5), np.random.default_rng(2)
    for _ in range(2 * EVERY):
        examination.see(
            np.arange(12, dtype=np.int32),
            np.zeros(12, np.float32),
            np.ones(12, np.bool_),
            rng.choice(12, 1).astype(np.int64),
        )
    np.testing.assert_allclose(examination.log_chance, Examination(0.5).log_chance, atol=1e-12)


def test_an_item_of_another_score_is_another_item() -> None:
    """Liked by some and not by others, it stands high for the first: that says nothing of the places."""
    examination, rng = Examination(0.5), np.random.default_rng(3)
    for _ in range(20 * EVERY):
        fan = rng.random() < 0.5
        rows = np.array([1, 2] if fan else [2, 1], np.int32)
        base = np.array([2.0, 0.0], np.float32)
        clicked = np.array([0] if rng.random() < 0.9 else [1])
        examination.see(rows, base, np.ones(2, np.bool_), clicked)
    np.testing.assert_allclose(examination.log_chance, Examination(0.5).log_chance, atol=1e-12)


def test_places_beyond_follow_what_was_believed_and_ratios_are_bounded() -> None:
    examination, rng = Examination(1.0), np.random.default_rng(4)
    for _ in range(60 * EVERY):  # everybody clicks the last of two places
        rows = rng.permutation(2).astype(np.int32)
        examination.see(rows, np.zeros(2, np.float32), np.ones(2, np.bool_), np.array([1]))
    assert np.isfinite(examination.log_chance).all()
    assert examination.log_chance[1] <= np.log(1 / 0.8) + 1e-9
    np.testing.assert_allclose(
        np.diff(examination.log_chance[PLACES - 1 :]), np.diff(Examination(1.0).log_chance[PLACES - 1 :])
    )


def test_without_harvest_nothing_is_kept() -> None:
    examination, rng = Examination(0.5, harvest=False), np.random.default_rng(5)
    shown(examination, rng, 600, 1.0, moved=1.0)
    np.testing.assert_allclose(examination.log_chance, Examination(0.5).log_chance)
    assert len(examination.shown) == 1
