"""Training: the same seed the same weights, and a planted pattern is found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest
import torch

from model.epoch import windows
from model.errors import DataError
from model.examples import Shard
from model.network import FusionNet
from model.objective import Objective
from model.plan import NetworkPlan, TrainPlan
from model.ranking import places, scores_of
from model.schema import FusionKind, Schema
from model.train import Progress, Report, fit_scales, optimizer_of, set_rate, silent, train
from model.vocabulary import Vocabulary
from tests.model.examples_of import CANDIDATES, ITEMS, SCHEMA, SEEING, TASKS, VOCABULARY, planted

NETWORK = NetworkPlan(width=8, hidden=(16, 8))
PLAN = TrainPlan(epochs=2, batch=32, seed=3, negatives=32)


pytestmark = pytest.mark.usefixtures("one_thread")


def changed(struct: Any, **values: object) -> Any:
    return msgspec.structs.replace(struct, **values)


def trained(
    shards: Sequence[Shard],
    plan: TrainPlan = PLAN,
    network: NetworkPlan = NETWORK,
    held_out: Sequence[Shard] = (),
    schema: Schema = SCHEMA,
    vocabulary: Vocabulary = VOCABULARY,
    report: Report = silent,
) -> FusionNet:
    return train(shards, held_out, schema, network, plan, TASKS, vocabulary, report)


def weights(net: FusionNet) -> bytes:
    return b"".join(each.numpy().tobytes() for each in net.state_dict().values())


def test_the_same_seed_and_examples_give_the_same_weights() -> None:
    shards = [planted(60, seed=1), planted(50, seed=2)]
    first = weights(trained(shards))
    torch.rand(5)  # whatever else draws random numbers in between
    assert weights(trained(shards)) == first
    assert weights(trained(shards, changed(PLAN, seed=4))) != first


@pytest.mark.parametrize("fusion", ["weighted", "concat", "attention"])
def test_a_planted_pattern_is_learned(fusion: FusionKind) -> None:
    seen: list[Progress] = []
    plan = changed(PLAN, epochs=6, learning_rate=2e-2)
    net = trained(
        [planted(300, seed=1), planted(200, seed=2)],
        plan,
        changed(NETWORK, fusion=fusion),
        [planted(100, seed=3)],
        report=seen.append,
    )
    by_epoch = [each for each in seen if not np.isnan(each.ndcg.value)]
    assert [each.epoch for each in by_epoch] == list(range(6))
    chance = 0.9 * np.mean(1 / np.log2(np.arange(2, CANDIDATES + 2)))  # a tenth was found by no source
    assert by_epoch[-1].ndcg.value > 1.3 * chance
    steps = [each for each in seen if np.isnan(each.ndcg.value)]
    assert [each.done for each in steps] == sorted({each.done for each in steps})
    assert (seen[-1].done, seen[-1].total) == (3_000, 3_000)
    assert np.mean([each.terms["click"] for each in steps[-8:]]) < 0.8 * steps[0].terms["click"]
    assert set(steps[0].terms) == {*TASKS, "retrieval"}
    assert not net.training

    fresh = planted(200, seed=9)
    scores = scores_of(net, [fresh], VOCABULARY)
    first = places(scores[..., 0], np.ones(200, np.bool_)) == 1
    assert first.mean() > 2 / CANDIDATES
    known = ~np.isnan(fresh.rating)
    error = np.square(scores[known, 0, 1] - fresh.rating[known]).mean()
    assert error < fresh.rating[known].var()


def asked(count: int, seed: int) -> Shard:
    """What is met next is the item whose text was searched for, and nothing else tells it."""
    shard, rng = planted(count, seed), np.random.default_rng(seed + 100)
    text = np.random.default_rng(0).normal(size=shard.text.shape)
    text /= np.linalg.norm(text, axis=1, keepdims=True)
    candidates = np.array([rng.permutation(ITEMS)[:CANDIDATES] for _ in range(count)], np.int32)
    return replace(
        shard,
        text=text.astype(np.float16),
        candidates=candidates,
        candidate_features=rng.normal(size=shard.candidate_features.shape).astype(np.float32),
        query=text[candidates[:, 0]].astype(np.float32),
    )


def test_what_a_user_searches_for_is_learned() -> None:
    plan = changed(PLAN, epochs=12, learning_rate=2e-2)
    net = trained([asked(600, seed=1)], plan)
    fresh = asked(200, seed=2)

    def first(shard: Shard) -> float:
        scores = scores_of(net, [shard], VOCABULARY)[..., 0]
        return float((places(scores, np.ones(200, np.bool_)) == 1).mean())

    assert first(fresh) > 3 / CANDIDATES
    assert first(replace(fresh, query=np.zeros_like(fresh.query))) < 2 / CANDIDATES


@pytest.mark.parametrize("encoder", ["sasrec", "ligr"])
def test_encoders_modalities_hashed_ids_and_learned_weights_train_together(encoder: str) -> None:
    shards = [planted(64, seed=1, image=True), planted(64, seed=2, image=True)]
    network = changed(NETWORK, encoder=encoder, id_buckets=11)
    plan = changed(PLAN, weighting="uncertainty", diversity=0.1, fairness=0.1)
    vocabulary = Vocabulary(buckets=11)
    net = trained(shards, plan, network, shards[:1], SEEING, vocabulary)
    assert net.item_tower.embedding.num_embeddings == 12
    assert all(each.isfinite().all() for each in net.state_dict().values())
    torch.manual_seed(plan.seed)
    before = FusionNet(network, SEEING, vocabulary.size).item_tower
    for name in ("embedding", "text", "attributes.embedding", "modalities.0", "key"):
        after = net.item_tower.get_parameter(f"{name}.weight")
        assert not torch.equal(after, before.get_parameter(f"{name}.weight")), name


def by_text(count: int, seed: int) -> Shard:
    """The candidate that is met has the highest first feature, and the nearest text but for some noise."""
    shard, rng = planted(count, seed), np.random.default_rng(seed + 100)
    features = rng.normal(size=shard.candidate_features.shape).astype(np.float32)
    features[:, 0, 0] += 4.0
    features[:, 0, 1] += 3.0
    return replace(shard, candidate_features=features)


UNMET = changed(SCHEMA, candidate_features=("popular_ever", "text_taste", "close"))


def test_items_that_nobody_has_met_are_ranked_by_what_they_are() -> None:
    new = by_text(300, seed=9)
    new.candidate_features[..., 0] = 0.0

    def first(weight: float) -> float:
        plan = changed(PLAN, epochs=12, unmet=weight, learning_rate=1e-2)
        net = trained([by_text(400, seed=1)], plan, schema=UNMET)
        scores = scores_of(net, [new], VOCABULARY)[..., 0]
        return float((places(np.nan_to_num(scores, nan=-1e9), np.ones(300, np.bool_)) == 1).mean())

    best = (new.candidate_features[:, 1:, 1].max(1) < new.candidate_features[:, 0, 1]).mean()
    assert first(0.2) > 0.9 * best
    assert first(0.0) < 0.6 * best


def test_what_is_learned_of_them_changes_nothing_else() -> None:
    with_part, without = (
        trained([by_text(100, seed=1)], changed(PLAN, unmet=weight), schema=UNMET).state_dict()
        for weight in (0.2, 0.0)
    )
    own = {name for name in with_part if name.startswith("rescorer.unmet.")}
    assert len(own) == 4
    for name, each in with_part.items():
        assert torch.equal(each, without[name]) == (name not in own), name


def test_what_is_held_out_is_never_trained_on() -> None:
    """Other examples to be judged on give the same weights."""
    shards = [planted(80, seed=1)]
    same = weights(trained(shards, held_out=[planted(20, seed=2)]))
    assert weights(trained(shards, held_out=[planted(20, seed=3)])) == same


@pytest.mark.parametrize("shards", [[], [planted(0)]], ids=["no shard", "an empty one"])
def test_nothing_to_train_on_is_said(shards: list[Shard]) -> None:
    with pytest.raises(DataError, match="at least one example; got 0"):
        trained(shards)


def test_one_example_is_enough_to_run() -> None:
    net = trained([planted(1)])
    assert all(each.isfinite().all() for each in net.state_dict().values())


def test_scales_are_those_of_all_examples_and_of_what_is_there() -> None:
    shards = [planted(50, seed=1), planted(0), planted(30, seed=2)]
    net = FusionNet(NETWORK, SCHEMA, ITEMS)
    fit_scales(net, shards)
    candidates = np.concatenate([each.candidate_features[each.candidates >= 0] for each in shards])
    steps = np.concatenate([each.history_features[each.history >= 0] for each in shards])
    users = np.concatenate([each.user_features for each in shards])
    for scale, rows in (
        (net.rescorer.candidate_scale, candidates),
        (net.view.history_scale, steps),
        (net.view.user_scale, users),
    ):
        np.testing.assert_allclose(scale.mean.numpy(), rows.mean(0), atol=1e-5)
        np.testing.assert_allclose(1 / scale.scale.numpy(), rows.std(0), rtol=1e-4)


def test_every_shard_is_in_one_window() -> None:
    found = windows(7, 3, np.random.default_rng(0))
    assert [len(each) for each in found] == [3, 3, 1]
    assert sorted(k for window in found for k in window) == list(range(7))


def test_the_learning_rate_rises_and_falls_once() -> None:
    net = FusionNet(NETWORK, SCHEMA, ITEMS)
    optimizer = optimizer_of(net, Objective(TASKS, PLAN), PLAN)
    rates = []
    for part in np.linspace(0, 1, 101):
        set_rate(optimizer, 1.0, part)
        rates.append(optimizer.param_groups[0]["lr"])
    assert rates[0] == pytest.approx(1 / 25)
    assert max(rates) == pytest.approx(1.0)
    assert rates[-1] == pytest.approx(0.0, abs=1e-9)
    top = int(np.argmax(rates))
    assert top == 30
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)


def test_every_parameter_is_optimised_once_and_the_linear_part_is_not_drawn_to_zero() -> None:
    net = FusionNet(NETWORK, SCHEMA, ITEMS)
    objective = Objective(TASKS, changed(PLAN, weighting="uncertainty"))
    decayed, kept = optimizer_of(net, objective, PLAN).param_groups
    all_of = [id(each) for group in (decayed, kept) for each in group["params"]]
    assert sorted(all_of) == sorted(id(each) for each in (*net.parameters(), objective.log_variance))
    assert (decayed["weight_decay"], kept["weight_decay"]) == (PLAN.weight_decay, 0.0)
    assert {id(each) for each in kept["params"]} == {
        id(net.rescorer.skip.weight),
        id(objective.log_variance),
    }
