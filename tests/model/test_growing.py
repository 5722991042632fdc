"""New items in a trained network: nothing that it says changes until it learns more."""

from __future__ import annotations

import numpy as np
import torch

from model.checkpoint import Checkpoint
from model.growing import TABLE, grown
from model.network import FusionNet
from model.plan import NetworkPlan
from model.ranking import scores_of
from model.schema import Schema
from model.tasks import default_tasks
from model.vocabulary import Vocabulary
from tests.model.random_shards import random_shard

SCHEMA = Schema(("a", "b"), ("c",), ("d",), ("click", "rating", "like"), history=3, text_dim=4, item_dim=8)


def checkpoint(vocabulary: Vocabulary, seed: int = 1) -> Checkpoint:
    torch.manual_seed(seed)
    net = FusionNet(NetworkPlan(width=8, hidden=(8, 4)), SCHEMA, vocabulary.size)
    for each in net.parameters():
        torch.nn.init.normal_(each, std=0.5)
    return Checkpoint(net.eval(), default_tasks(), vocabulary)


def test_scores_of_known_and_of_new_items_stay_as_they_were() -> None:
    shard = random_shard(20, schema=SCHEMA)
    ids = shard.items.tolist()
    before = checkpoint(Vocabulary(tuple(ids[:7])))
    after = grown(before, ids)
    assert after.vocabulary.ids == tuple(ids)
    assert after.net.items == len(ids)
    one, other = (scores_of(each.net, [shard], each.vocabulary) for each in (before, after))
    np.testing.assert_array_equal(one, other)


def test_every_new_item_has_a_row_of_its_own() -> None:
    before = checkpoint(Vocabulary(("a", "b")))
    after = grown(before, ["b", "c", "d"])
    table = after.net.state_dict()[TABLE]
    assert table.shape[0] == 5
    with torch.no_grad():
        table[3] += 1.0
    assert torch.equal(after.net.item_tower.embedding.weight[4], after.net.item_tower.embedding.weight[0])
    assert not torch.equal(table[3], table[4])
    assert before.net.items == 2


def test_hashed_ids_need_no_rows() -> None:
    before = checkpoint(Vocabulary(buckets=5))
    after = grown(before, ["x", "y"])
    assert after.vocabulary == before.vocabulary
    assert torch.equal(after.net.state_dict()[TABLE], before.net.state_dict()[TABLE])
