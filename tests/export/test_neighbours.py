"""Neighbours kept, against scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from export.neighbours import neighbours_kept
from model.schema import F32


def unit(rows: np.ndarray) -> F32:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


@pytest.mark.parametrize("noise", [0.0, 0.05, 0.3, 10.0])
def test_agrees_with_scikit_learn(noise: float) -> None:
    rng = np.random.default_rng(1)
    exact = unit(rng.normal(size=(90, 8)))
    found = unit(exact + noise * rng.normal(size=(90, 8)))
    near, nearest = (
        NearestNeighbors(n_neighbors=10, metric="cosine").fit(each).kneighbors(return_distance=False)
        for each in (exact, found)
    )
    expected = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(near, nearest, strict=True)])
    kept = neighbours_kept(exact, found)
    assert kept == pytest.approx(expected)
    assert (kept == 1.0) == (noise == 0.0)


def test_too_few_rows_say_nothing() -> None:
    rows = unit(np.random.default_rng(1).normal(size=(11, 4)))
    assert np.isnan(neighbours_kept(rows, rows))
    assert neighbours_kept(rows, rows, k=9) == 1.0
