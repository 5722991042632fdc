"""Networks side by side: each as it would be trained alone."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from model.compare import Variant, compare, weights_of
from model.network import FusionNet
from model.plan import TrainPlan
from model.train import train
from tests.model.learnable_shards import NETWORK, SCHEMA, TASKS, VOCABULARY, random_shard

PLAN = TrainPlan(epochs=3, batch=64, learning_rate=1e-2, steps_least=1)


def test_each_row_is_the_network_alone_and_is_measured_against_the_first() -> None:
    shards, held_out = [random_shard(300, seed=1)], [random_shard(80, seed=2)]
    untrained = msgspec.structs.replace(PLAN, epochs=1, learning_rate=1e-9)
    chosen = [Variant("trained", NETWORK, PLAN), Variant("untrained", NETWORK, untrained)]
    said: list[str] = []
    rows = compare(
        chosen, shards, held_out, SCHEMA, TASKS, VOCABULARY, lambda name, progress: said.append(name)
    )
    assert [row.name for row in rows] == ["trained", "untrained"]
    assert set(said) == {"trained", "untrained"}
    assert rows[0].ahead.value == 0.0
    assert rows[1].ahead.value == pytest.approx(rows[1].ndcg.value - rows[0].ndcg.value)
    assert rows[0].ndcg.value > rows[1].ndcg.value + 0.1  # candidate 0 has a hint
    alone = train(shards, (), SCHEMA, NETWORK, PLAN, TASKS, VOCABULARY)
    assert rows[0].parameters == weights_of(alone) == weights_of(FusionNet(NETWORK, SCHEMA, VOCABULARY.size))


def test_tables_of_ids_are_not_counted() -> None:
    small, large = (FusionNet(NETWORK, SCHEMA, items) for items in (10, 1_000))
    assert weights_of(small) == weights_of(large)
    total = sum(each.numel() for each in small.parameters())
    embeddings = [each for name, each in small.named_parameters() if name.endswith("embedding.weight")]
    assert embeddings
    assert weights_of(small) == total - int(np.sum([each.numel() for each in embeddings]))
