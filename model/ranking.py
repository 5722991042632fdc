"""A trained network on held-out examples: its scores, and the places of the items that users met."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from model.batches import batches, forward
from model.evaluate import Estimate, hit_rate, ndcg
from model.examples import Shard
from model.network import FusionNet
from model.schema import F32
from model.vocabulary import Vocabulary

BATCH = 64


def scores_of(net: FusionNet, shards: Sequence[Shard], vocabulary: Vocabulary) -> F32:
    """[n, K, tasks] over all examples, NaN for no candidate; K is the largest of the shards."""
    scoring, found = net.scoring(), []
    device = str(next(net.parameters()).device)
    was_training = net.training
    net.eval()
    with torch.no_grad():
        for batch in batches(shards, vocabulary.numbering(), BATCH, device):
            scores = torch.stack(scoring(*forward(net, batch).inputs), -1)
            found.append(scores.masked_fill(~batch.present[..., None], torch.nan).cpu().numpy())
    net.train(was_training)
    width = max((each.shape[1] for each in found), default=0)
    if not found:
        return np.empty((0, 0, len(net.schema.tasks)), np.float32)
    padded = [
        np.pad(each, ((0, 0), (0, width - each.shape[1]), (0, 0)), constant_values=np.nan) for each in found
    ]
    return np.concatenate(padded)


def places(click: F32, found: NDArray[np.bool_]) -> NDArray[np.int32]:
    """The place (from 1) of candidate 0 among click [n, K], ties to its disadvantage; 0 if no source has
    found it: the service would miss it.
    """
    ahead = (click[:, 1:] >= click[:, :1]).sum(1) + 1
    return np.where(found, ahead, 0).astype(np.int32)


def ranks_of(net: FusionNet, shards: Sequence[Shard], vocabulary: Vocabulary) -> NDArray[np.int32]:
    """The place of the item that the user met, for each example in order; one shard in memory at a time."""
    found = [places(scores_of(net, [each], vocabulary)[..., 0], each.found) for each in shards]
    return np.concatenate(found) if found else np.empty(0, np.int32)


def ranking(net: FusionNet, shards: Sequence[Shard], vocabulary: Vocabulary) -> tuple[Estimate, Estimate]:
    """HR@10 and NDCG@10 on examples that hold whole pools of candidates."""
    ranks = ranks_of(net, shards, vocabulary)
    return hit_rate(ranks), ndcg(ranks)
