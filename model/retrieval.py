"""How well the user tower alone finds the items that users met, among all items of a shard."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from model.batches import Batch, batches, forward
from model.examples import Shard
from model.network import FusionNet
from model.ranking import BATCH
from model.vocabulary import Vocabulary


def key_ranks(net: FusionNet, shards: Sequence[Shard], vocabulary: Vocabulary) -> NDArray[np.int32]:
    """The place (from 1) of each example's item among the items of its shard that are not in its history."""
    numbering = vocabulary.numbering()
    finding, found = net.finding().eval(), []
    with torch.no_grad():
        for shard in shards:
            keys = _keys(net, shard, numbering.of(shard.items.tolist()))
            at = 0
            for batch in batches([shard], numbering, BATCH):
                part = shard.rows(slice(at, at + BATCH))
                at += len(part)
                users = finding(*_of_users(net, batch)).numpy()
                scores = users @ keys.T
                met = part.candidates[:, 0]
                for k, history in enumerate(part.history):
                    mine = scores[k, met[k]]
                    scores[k, history[history >= 0]] = -np.inf
                    found.append(int((scores[k] >= mine).sum()) + int(met[k] in history))
    return np.array(found, np.int32)


def _of_users(net: FusionNet, batch: Batch) -> tuple[torch.Tensor, ...]:
    return forward(net, batch).inputs[:-2]


def _keys(net: FusionNet, shard: Shard, numbers: list[int]) -> NDArray[np.float32]:
    content = [torch.from_numpy(vectors.astype(np.float32)) for vectors in shard.modalities.values()]
    _, keys = net.item_tower(
        torch.tensor(numbers),
        torch.from_numpy(shard.text.astype(np.float32)),
        torch.from_numpy(shard.attributes.astype(np.int64)),
        *content,
    )
    return np.asarray(keys.numpy())
