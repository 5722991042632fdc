"""Batches hold what a plain loop over the examples would gather."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch

from model.batches import Batch, batches, forward, rescorer_inputs
from model.examples import NO_CANDIDATE, Shard
from model.network import FusionNet
from model.plan import NetworkPlan
from model.ranking import scores_of
from model.schema import RESCORER_INPUTS
from model.vocabulary import Vocabulary
from tests.model.examples_of import IMAGE, ITEMS, SCHEMA, SEEING, planted

VOCABULARY = Vocabulary(tuple(f"i{k}" for k in range(0, ITEMS, 2)))  # the others have no number


def shards(image: bool = False) -> list[Shard]:
    return [planted(5, seed=1, image=image), planted(4, seed=2, image=image), planted(6, seed=3, image=image)]


def net(image: bool = False) -> FusionNet:
    torch.manual_seed(0)
    schema = SEEING if image else SCHEMA
    return FusionNet(NetworkPlan(width=8, hidden=(16, 8)), schema, VOCABULARY.size).eval()


def number(shard: Shard, place: int) -> int:
    item = shard.items[place]
    return VOCABULARY.ids.index(item) + 1 if item in VOCABULARY.ids else 0


def check_items(batch: Batch, shard: Shard, found: Sequence[int], expected: Sequence[int]) -> None:
    """Places of the batch's table hold what the shard's places hold; none is the table's length."""
    for place, source in zip(found, expected, strict=True):
        if source < 0:
            assert place == len(batch.id)
            continue
        assert int(batch.id[place]) == number(shard, source)
        assert batch.text[place].numpy().tobytes() == shard.text[source].astype(np.float32).tobytes()
        assert batch.attributes[place].tolist() == shard.attributes[source].tolist()
        for vectors, (_, known) in zip(batch.modalities, shard.modalities.items(), strict=True):
            assert vectors[place].numpy().tobytes() == known[source].astype(np.float32).tobytes()


def test_pools_of_several_sizes_are_scored_as_each_is_alone() -> None:
    """The setting may have changed between two shards."""
    large = planted(5, seed=1)
    small = replace(
        planted(4, seed=2), **{name: getattr(planted(4, seed=2), name)[:, :3] for name in NO_CANDIDATE}
    )
    fusion = net()
    alone = [scores_of(fusion, [each], VOCABULARY)[..., 0] for each in (large, small)]
    together = scores_of(fusion, [large, small], VOCABULARY)[..., 0]
    wide = large.candidates.shape[1]
    assert together.shape == (9, wide)
    assert wide > 3
    np.testing.assert_allclose(together[:5], alone[0], atol=1e-6)
    np.testing.assert_allclose(together[5:, :3], alone[1], atol=1e-6)
    assert np.isnan(together[5:, 3:]).all()


@pytest.mark.parametrize("image", [False, True])
@pytest.mark.parametrize("size", [1, 4, 100])
def test_every_example_is_gathered_as_a_plain_loop_would(size: int, image: bool) -> None:
    given = shards(image)
    every = [(shard, row) for shard in given for row in range(len(shard))]
    made = list(batches(given, VOCABULARY.numbering(), size))
    assert [len(batch.rating) for batch in made] == [
        len(every[at : at + size]) for at in range(0, len(every), size)
    ]
    at = 0
    for batch in made:
        for row in range(len(batch.rating)):
            shard, k = every[at]
            check_items(batch, shard, batch.history[row].tolist(), shard.history[k].tolist())
            check_items(batch, shard, batch.candidates[row].tolist(), shard.candidates[k].tolist())
            assert batch.present[row].tolist() == (shard.candidates[k] >= 0).tolist()
            actions = np.where(shard.history[k] >= 0, shard.history_actions[k].astype(np.int64) + 1, 0)
            assert batch.history_actions[row].tolist() == actions.tolist()
            for name in (
                "history_features",
                "user_features",
                "profile",
                "words",
                "liked",
                "query",
                "candidate_features",
            ):
                assert getattr(batch, name)[row].tolist() == getattr(shard, name)[k].tolist(), name
            assert batch.action[row] == shard.action[k]
            assert batch.rating[row].tobytes() == shard.rating[k].tobytes()
            at += 1


def test_numbers_are_int64_and_values_float32() -> None:
    (batch,) = batches(shards(image=True), VOCABULARY.numbering(), 100)
    for name in ("id", "attributes", "history_actions", "profile", "history", "candidates"):
        assert getattr(batch, name).dtype == torch.int64, name
    inputs = rescorer_inputs(net(image=True), batch)
    for name in RESCORER_INPUTS:
        whole = name in ("history_actions", "profile")
        assert getattr(inputs, name).dtype == (np.int64 if whole else np.float32), name


def test_a_batch_names_each_item_of_a_shard_once() -> None:
    given = planted(20, seed=1)
    (batch,) = batches([given], VOCABULARY.numbering(), 20)
    named = {*given.history.ravel().tolist(), *given.candidates.ravel().tolist()} - {-1}
    assert len(batch.id) == len(named)


def test_in_a_random_order_every_example_comes_once() -> None:
    given = shards()
    order = np.random.default_rng(0)
    seen = [
        row.tobytes()
        for batch in batches(given, VOCABULARY.numbering(), 4, rng=order)
        for row in batch.user_features.numpy()
    ]
    every = [row.tobytes() for shard in given for row in shard.user_features]
    assert seen != every
    assert sorted(seen) == sorted(every)
    again = batches(given, VOCABULARY.numbering(), 4, rng=np.random.default_rng(0))
    assert [row.tobytes() for batch in again for row in batch.user_features.numpy()] == seen


def test_items_are_drawn_from_the_shards_of_the_batch() -> None:
    given = shards(image=True)
    drawn = []
    for batch in batches(given, VOCABULARY.numbering(), 8, rng=np.random.default_rng(0), drawn=64):
        assert len(batch.drawn) >= 64
        assert int(batch.drawn.max()) < len(batch.id)
        drawn += batch.id[batch.drawn].tolist()
    assert set(drawn) == set(range(len(VOCABULARY.ids) + 1))
    (plain,) = batches(given, VOCABULARY.numbering(), 100)
    assert len(plain.drawn) == 0


def test_no_examples_are_no_batches() -> None:
    assert list(batches([], VOCABULARY.numbering(), 4)) == []
    assert list(batches([planted(0)], VOCABULARY.numbering(), 4)) == []


@pytest.mark.parametrize("image", [False, True])
def test_the_network_reads_each_items_vector_and_nothing_where_none_is(image: bool) -> None:
    """Example by example, through the item tower, as a plain loop."""
    given, fusion = shards(image), net(image)
    made = list(batches(given, VOCABULARY.numbering(), 7))
    inputs = [rescorer_inputs(fusion, batch) for batch in made]
    found = {name: np.concatenate([getattr(each, name) for each in inputs]) for name in RESCORER_INPUTS}
    with torch.no_grad():
        keys = torch.cat([forward(fusion, batch).candidate_keys for batch in made]).numpy()
    at = 0
    for shard in given:
        content = [torch.from_numpy(shard.text.astype(np.float32)), torch.from_numpy(shard.attributes).long()]
        if image:
            content.append(torch.from_numpy(shard.modalities["image"].astype(np.float32)))
        ids = torch.tensor([number(shard, place) for place in range(ITEMS)])
        with torch.no_grad():
            vectors, known = (each.numpy() for each in fusion.item_tower(ids, *content))
        for k in range(len(shard)):
            for name, places in (("history", shard.history[k]), ("candidate", shard.candidates[k])):
                expected = np.where((places >= 0)[:, None], vectors[places], 0)
                np.testing.assert_allclose(found[f"{name}_vectors"][at], expected, atol=1e-6)
            there = (shard.candidates[k] >= 0)[:, None]
            np.testing.assert_allclose(keys[at], np.where(there, known[shard.candidates[k]], 0), atol=1e-6)
            assert found["history_mask"][at].tolist() == (shard.history[k] >= 0).tolist()
            at += 1
    assert image == (IMAGE in [value.shape[-1] for value in made[0].modalities])
