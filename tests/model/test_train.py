"""Training: the same seed the same weights, and a planted pattern is found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch

from model.errors import DataError
from model.examples import Shard
from model.network import FusionNet, NetworkConfig
from model.schema import FusionKind
from model.train import Progress, TrainSettings, batches, rescorer_inputs, train, validate
from tests.model.examples_of import CANDIDATES, ITEMS, SCHEMA, planted

CONFIG = NetworkConfig(vocabulary=ITEMS, width=8, hidden=(16, 8))
SETTINGS = TrainSettings(epochs=2, batch=32, seed=3)


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def weights(net: FusionNet) -> bytes:
    return b"".join(each.numpy().tobytes() for each in net.state_dict().values())


def test_the_same_seed_and_examples_give_the_same_weights() -> None:
    shards = [planted(60, seed=1), planted(50, seed=2)]
    first = weights(train(shards, SCHEMA, CONFIG, SETTINGS))
    torch.rand(5)  # whatever else draws random numbers in between
    assert weights(train(shards, SCHEMA, CONFIG, SETTINGS)) == first
    assert weights(train(shards, SCHEMA, CONFIG, replace(SETTINGS, seed=4))) != first


@pytest.mark.parametrize("fusion", ["weighted", "concat", "attention"])
def test_a_planted_pattern_is_learned(fusion: FusionKind) -> None:
    shards = [planted(500, seed=1)]
    seen: list[Progress] = []
    settings = replace(SETTINGS, epochs=6, learning_rate=2e-2, validate=0.2)
    net = train(shards, SCHEMA, replace(CONFIG, fusion=fusion), settings, seen.append)
    by_epoch = [each.validation for each in seen if not np.isnan(each.validation)]
    assert len(by_epoch) == 6
    assert by_epoch[-1] < 0.8 * by_epoch[0]
    assert [each.step for each in seen if np.isnan(each.validation)] == list(range(1, seen[-1].steps + 1))
    assert seen[-1].step == seen[-1].steps

    fresh = planted(200, seed=9)
    (batch,) = batches([fresh], np.arange(200), 200, "cpu")
    with torch.no_grad():
        click, rating = net.rescorer(*map(torch.from_numpy, rescorer_inputs(net, batch)))
    assert float((click.argmax(1) == 0).float().mean()) > 2 / CANDIDATES
    known = ~batch.rating.isnan()
    error = (rating[known, 0] - batch.rating[known]).square().mean()
    assert float(error) < float(batch.rating[known].var())


def test_the_newest_examples_are_never_trained_on() -> None:
    """Other examples past the cut give the same weights."""
    old, new, other = planted(80, seed=1), planted(20, seed=2), planted(20, seed=3)
    settings = replace(SETTINGS, validate=0.2)
    same = weights(train([old, new], SCHEMA, CONFIG, settings))
    assert weights(train([old, other], SCHEMA, CONFIG, settings)) == same


def test_validation_is_the_mean_over_the_newest() -> None:
    shards = [planted(40, seed=1)]
    net = train(shards, SCHEMA, CONFIG, replace(SETTINGS, epochs=1))
    whole = validate(net, shards, 30, replace(SETTINGS, batch=10))
    halves = validate(net, shards, 30, replace(SETTINGS, batch=4))
    # Ratings are averaged within a batch, so only the click part is the same however it is cut.
    plain = replace(SETTINGS, rating_weight=0.0)
    assert validate(net, shards, 30, replace(plain, batch=10)) == pytest.approx(
        validate(net, shards, 30, replace(plain, batch=4)), rel=1e-5
    )
    assert np.isfinite([whole, halves]).all()
    assert np.isnan(validate(net, shards, 40, SETTINGS))


@pytest.mark.parametrize("shards", [[], [planted(0)]], ids=["no shard", "an empty one"])
def test_nothing_to_train_on_is_said(shards: list[Shard]) -> None:
    with pytest.raises(DataError, match="at least one example; got 0"):
        train(shards, SCHEMA, CONFIG, SETTINGS)


def test_one_example_is_enough_to_run() -> None:
    net = train([planted(1)], SCHEMA, CONFIG, SETTINGS)
    assert all(each.isfinite().all() for each in net.state_dict().values())


def test_batches_take_each_item_text_from_its_own_shard() -> None:
    shards = [planted(5, seed=1), planted(4, seed=2)]
    (batch,) = batches(shards, np.array([1, 7, 4, 6]), 4, "cpu")
    rows = {id(shards[0]): [1, 4], id(shards[1]): [2, 1]}  # within a batch, shard by shard
    at = 0
    for shard in shards:
        for row in rows[id(shard)]:
            history, candidates = shard.history[row], shard.candidates[row]
            assert batch.history_id[at].tolist() == (history + 1).tolist()
            assert batch.history_mask[at].tolist() == (history >= 0).tolist()
            assert batch.candidate_id[at].tolist() == (candidates + 1).tolist()
            assert (batch.candidate_text[at].numpy() == shard.text[candidates].astype(np.float32)).all()
            text = np.where((history >= 0)[:, None], shard.text[history], 0).astype(np.float32)
            assert (batch.history_text[at].numpy() == text).all()
            assert (batch.user_features[at].numpy() == shard.user_features[row]).all()
            at += 1


def test_every_example_is_in_one_batch() -> None:
    shards = [planted(5, seed=1), planted(4, seed=2), planted(6, seed=3)]
    order = np.random.default_rng(0).permutation(15)
    sizes, seen = [], []
    for batch in batches(shards, order, 4, "cpu"):
        sizes.append(len(batch.rating))
        seen += [row.tobytes() for row in batch.user_features.numpy()]
    assert sizes == [4, 4, 4, 3]
    every = [row.tobytes() for shard in shards for row in shard.user_features]
    assert sorted(seen) == sorted(every)
