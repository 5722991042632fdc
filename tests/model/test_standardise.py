"""Features on one scale, fitted in parts."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from model.standardise import Moments, Standardise

rows = arrays(np.float32, st.tuples(st.integers(1, 30), st.just(3)), elements=st.floats(-1e3, 1e3, width=32))


def fitted(parts: list[np.ndarray], size: int = 3) -> Standardise:
    moments, scale = Moments(size), Standardise(size)
    for part in parts:
        moments.add(torch.from_numpy(part))
    moments.fit(scale)
    return scale


@given(rows, st.lists(st.integers(0, 30), max_size=4))
def test_parts_give_the_mean_and_deviation_of_all(values: np.ndarray, cuts: list[int]) -> None:
    moments = Moments(3)
    for part in np.split(values, sorted(min(cut, len(values)) for cut in cuts)):
        moments.add(torch.from_numpy(part))
    exact = values.astype(np.float64)
    assert moments.count == len(values)
    np.testing.assert_allclose(moments.mean.numpy(), exact.mean(0), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose((moments.squares / moments.count).numpy(), exact.var(0), rtol=1e-7, atol=1e-7)


def test_standardising_takes_mean_and_deviation_away_and_cuts_what_is_far() -> None:
    values = np.random.default_rng(1).normal(size=(200, 3)) * [5.0, 0.1, 1.0] + 7
    values[:, 2] = 4.1  # a feature that never changes
    values = values.astype(np.float32)
    scale = fitted([values[:150], values[150:]])
    found = scale(torch.from_numpy(values)).numpy()
    inner = values[:, :2].astype(np.float64)
    expected = np.clip((inner - inner.mean(0)) / inner.std(0), -5.0, 5.0)
    np.testing.assert_allclose(found[:, :2], expected, atol=1e-4)
    assert scale(torch.full((1, 3), 1e9)).tolist() == [[5.0, 5.0, 0.0]]
    assert scale(torch.full((1, 3), -1e9)).tolist() == [[-5.0, -5.0, 0.0]]


def test_a_feature_that_never_varied_is_nothing_whatever_it_becomes() -> None:
    constant = np.full((50, 1), 0.1, np.float32)
    scale = fitted([constant[:20], constant[20:]], size=1)
    assert scale(torch.tensor([[0.1], [3.0], [-9.0]])).tolist() == [[0.0]] * 3


def test_only_what_never_varied_is_fitted_anew() -> None:
    rng = np.random.default_rng(2)
    before = rng.normal(size=(40, 2)).astype(np.float32)
    before[:, 1] = 2.0
    scale = fitted([before], size=2)
    kept = scale.mean[0].item(), scale.scale[0].item()
    after = (3 * rng.normal(size=(60, 2)) + 5).astype(np.float32)
    moments = Moments(2)
    moments.add(torch.from_numpy(after))
    moments.fit(scale, only_constant=True)
    assert (scale.mean[0].item(), scale.scale[0].item()) == kept
    np.testing.assert_allclose(scale.mean[1].item(), after[:, 1].mean(), rtol=1e-5)
    np.testing.assert_allclose(1 / scale.scale[1].item(), after[:, 1].std(), rtol=1e-4)


def test_without_rows_nothing_is_fitted() -> None:
    scale = fitted([np.empty((0, 3), np.float32)])
    assert scale.mean.tolist() == [0.0] * 3
    assert scale.scale.tolist() == [1.0] * 3
