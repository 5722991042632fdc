"""The places that the user tower alone gives, against plain loops."""

from __future__ import annotations

import numpy as np
import torch

from model.network import FusionNet
from model.retrieval import key_ranks
from tests.model.learnable_shards import NETWORK, SCHEMA, VOCABULARY, random_shard


def test_places_are_those_of_a_plain_count() -> None:
    torch.manual_seed(0)
    net = FusionNet(NETWORK, SCHEMA, VOCABULARY.size).eval()
    shards = [random_shard(70, seed=1), random_shard(9, seed=2)]
    found = key_ranks(net, shards, VOCABULARY)
    expected = []
    for shard in shards:
        ids = torch.tensor(VOCABULARY.numbering().of(shard.items.tolist()))
        text, attributes = torch.from_numpy(shard.text.astype(np.float32)), torch.from_numpy(shard.attributes)
        with torch.no_grad():
            vectors, keys = net.item_tower(ids, text, attributes.long())
            for k in range(len(shard)):
                mask = shard.history[k] >= 0
                history = torch.from_numpy(np.where(mask, shard.history[k], 0)).long()
                there = torch.from_numpy(mask.astype(np.float32))[None]
                actions = torch.from_numpy((shard.history_actions[k] + 1) * mask).long()[None]
                user = net.finding()(
                    vectors[history][None] * there[..., None],
                    torch.from_numpy(shard.history_features[k])[None], actions, there,
                    torch.from_numpy(shard.user_features[k])[None],
                    torch.from_numpy(shard.profile[k]).long()[None],
                    torch.from_numpy(shard.words[k])[None], torch.from_numpy(shard.liked[k])[None],
                    torch.from_numpy(shard.query[k])[None],
                )[0]  # fmt: skip
                scores = keys @ user
                met = int(shard.candidates[k, 0])
                rivals = set(range(len(keys))) - set(shard.history[k][mask].tolist()) - {met}
                expected.append(1 + sum(float(scores[row]) >= float(scores[met]) for row in rivals))
    assert np.abs(found - np.array(expected)).max() <= 1  # rounding may make two change places
    assert (found == np.array(expected)).mean() > 0.95
