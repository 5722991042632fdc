from __future__ import annotations

import numpy as np
import pytest

from streams.learning.experts.scales import DEVIATIONS_MAX, Scales


def test_a_signal_is_divided_by_its_deviation_within_slates() -> None:
    rng, scales = np.random.default_rng(1), Scales(4)
    for _ in range(3_000):
        user = rng.normal(size=4) * 100  # what differs from user to user moves no order
        scales.follow((user + rng.normal(size=(10, 4)) * [1, 2, 30, 0]).astype(np.float32))
    np.testing.assert_allclose(np.sqrt(scales.variance[1:]), [2, 30, 0], rtol=0.05)
    x = scales.standardised((rng.normal(size=(50_000, 4)) * [7, 2, 30, 0] + 5).astype(np.float32))
    np.testing.assert_allclose(x.std(0), [7, 1, 1, 0], rtol=0.05)
    assert x[:, 0].mean() == pytest.approx(5, abs=0.2)  # the frozen score stays what it is


def test_a_scale_follows_a_signal_that_grows() -> None:
    rng, scales = np.random.default_rng(2), Scales(2)
    for size in (1.0, 3.0):
        for _ in range(8_000):
            scales.follow((rng.normal(size=(5, 2)) * size).astype(np.float32))
    assert np.sqrt(scales.variance[1]) == pytest.approx(3, rel=0.05)


def test_one_slate_far_out_does_not_spoil_a_scale() -> None:
    rng, scales = np.random.default_rng(3), Scales(2)
    for _ in range(1_000):
        scales.follow(rng.normal(size=(10, 2)).astype(np.float32))
    scales.follow(np.array([[0, 0], [0, 6e4]], np.float32))
    assert np.sqrt(scales.variance[1]) < 1.2


def test_what_is_no_number_is_in_the_middle_and_nothing_is_too_far() -> None:
    scales = Scales(3)
    raw = np.array([[1, 0, np.nan], [2, 2, np.nan], [3, np.nan, 5]], np.float32)
    scales.follow(raw)
    assert scales.slates.tolist() == [0, 1, 0]
    x = scales.standardised(raw)
    np.testing.assert_allclose(x[:, 1], [-np.sqrt(0.5), np.sqrt(0.5), 0])
    assert x[:, 2].tolist() == [0, 0, 0]
    far = scales.standardised(np.array([[0, 0, 0], [0, 1e30, 0]], np.float32))
    assert np.abs(far).max() == DEVIATIONS_MAX


def test_infinite_numbers_stay_at_the_edge() -> None:
    scales = Scales(2)
    scales.follow(np.array([[0, 0], [0, 1]], np.float32))
    x = scales.standardised(np.array([[0, np.inf], [0, -np.inf], [0, 0]], np.float32))
    assert x[:, 1].tolist() == [DEVIATIONS_MAX, -DEVIATIONS_MAX, 0]
