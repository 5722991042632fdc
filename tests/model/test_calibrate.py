"""The correction of ratings against numpy's least squares, and folded into a network."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from model.calibrate import calibrate_ratings, correction
from model.network import FusionNet
from model.ranking import scores_of
from tests.model.learnable_shards import NETWORK, SCHEMA, VOCABULARY, random_shard


def test_many_examples_give_the_least_squares_line() -> None:
    rng = np.random.default_rng(0)
    said = rng.normal(3.5, 1.0, 200_000).astype(np.float32)
    came = (0.6 * said + 1.2 + rng.normal(0, 0.5, len(said))).astype(np.float32)
    slope, shift = np.polyfit(said.astype(np.float64), came.astype(np.float64), 1)
    assert correction(said, came) == pytest.approx((slope, shift), abs=5e-3)


def test_few_examples_change_little() -> None:
    slope, shift = correction(np.array([2.0, 5.0], np.float32), np.array([5.0, 2.0], np.float32))
    assert 0.9 < slope < 1.0
    assert abs(slope * 3.5 + shift - 3.5) < 0.05


def test_what_is_right_already_stays() -> None:
    said = np.random.default_rng(1).normal(3.5, 1.0, 500).astype(np.float32)
    assert correction(said, said) == pytest.approx((1.0, 0.0), abs=1e-6)


def test_the_network_says_the_corrected_rating_and_the_same_of_everything_else() -> None:
    torch.manual_seed(0)
    net = FusionNet(NETWORK, SCHEMA, VOCABULARY.size).eval()
    shards = [random_shard(300, seed=3)]
    before = scores_of(net, shards, VOCABULARY)
    slope, shift = calibrate_ratings(net, shards, VOCABULARY)
    after = scores_of(net, shards, VOCABULARY)
    at = SCHEMA.tasks.index("rating")
    assert (slope, shift) != (1.0, 0.0)
    np.testing.assert_allclose(after[..., at], slope * before[..., at] + shift, atol=1e-4)
    np.testing.assert_array_equal(np.delete(after, at, 2), np.delete(before, at, 2))
    rating = shards[0].rating
    assert np.mean((after[:, 0, at] - rating) ** 2) < np.mean((before[:, 0, at] - rating) ** 2)


def test_without_ratings_nothing_is_corrected() -> None:
    net = FusionNet(NETWORK, SCHEMA, VOCABULARY.size).eval()
    assert calibrate_ratings(net, [random_shard(20, rated=0.0)], VOCABULARY) == (1.0, 0.0)
    assert calibrate_ratings(net, [], VOCABULARY) == (1.0, 0.0)
