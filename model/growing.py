"""Rows for new items in the id table of a trained network; everything else stays as it is."""

from __future__ import annotations

from collections.abc import Iterable

import torch

from model.checkpoint import Checkpoint
from model.network import FusionNet

TABLE = "item_tower.embedding.weight"


def grown(checkpoint: Checkpoint, item_ids: Iterable[str]) -> Checkpoint:
    """The checkpoint with a row for each new one of `item_ids`; its scores are the same for all items.

    A new row begins as a copy of row 0, which stood for the item until now: in training, row 0 has learned to
    stand for any item with an unknown id (`NetworkPlan.forget_id`).
    """
    net, tasks, vocabulary = checkpoint
    vocabulary = vocabulary.extended(item_ids)
    larger = FusionNet(net.plan, net.schema, vocabulary.size)
    weights = net.state_dict()
    table = weights[TABLE]
    weights[TABLE] = torch.cat([table, table[:1].expand(vocabulary.size + 1 - len(table), -1)])
    larger.load_state_dict(weights)
    return Checkpoint(larger.eval(), tasks, vocabulary)
