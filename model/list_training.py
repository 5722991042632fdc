"""Trains a `ListNet` on lists and what was chosen of them: what was shown and passed over is the negative.

The same examples, plan and seed give the same weights on one kind of processor.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import NamedTuple

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.determinism import deterministic, one_thread
from model.errors import DataError
from model.list_net import ListNet, padded
from model.losses import listwise_loss
from model.plan import ListPlan
from model.schema import F32
from model.standardise import Moments
from model.train import set_rate


class ListExample(NamedTuple):
    """features float32 [n, F] of the places of a list; shares float32 [n], which sum to one: of what was
    chosen.
    """

    features: F32
    shares: F32


def fit_lists(examples: Sequence[ListExample], plan: ListPlan, seed: int) -> ListNet:
    """A net from nothing: `plan.epochs` passes. `DataError` where there is no example."""
    if not examples:
        raise DataError("a net of lists needs at least one list with a choice; got none")
    torch.manual_seed(seed)
    net = ListNet(plan, examples[0].features.shape[1])
    moments = Moments(examples[0].features.shape[1])
    for example in examples:
        moments.add(torch.from_numpy(example.features))
    moments.fit(net.scale)
    plan = msgspec.structs.replace(plan, batch=plan.batch_of(len(examples)))
    return _learn(net, examples, plan, plan.epochs, plan.learning_rate, seed)


def go_on(net: ListNet, examples: Sequence[ListExample], plan: ListPlan, seed: int) -> ListNet:
    """A copy of `net` that has learned `examples` as well: one pass at the rate of renewals. Features that
    never varied before stay left out.
    """
    return _learn(deepcopy(net), examples, plan, 1, plan.renewal_rate, seed)


def list_scores(net: ListNet, features: F32) -> NDArray[np.float64]:
    """Logits of the places of one list [n, F], float64 [n]."""
    with one_thread(), torch.inference_mode():
        logits: Tensor = net(torch.from_numpy(features)[None], torch.ones(1, len(features), dtype=torch.bool))
    return logits[0].numpy().astype(np.float64)


def _learn(
    net: ListNet, examples: Sequence[ListExample], plan: ListPlan, epochs: int, rate: float, seed: int
) -> ListNet:
    optimizer = torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=plan.weight_decay)
    rng, done, total = np.random.default_rng(seed), 0, epochs * len(examples)
    torch.manual_seed(seed)  # of the dropout
    net.train()
    with one_thread(), deterministic("cpu"):
        for _ in range(epochs):
            order = rng.permutation(len(examples))
            for begin in range(0, len(order), plan.batch):
                chosen = [examples[k] for k in order[begin : begin + plan.batch].tolist()]
                features, present = padded([torch.from_numpy(each.features) for each in chosen])
                shares, _ = padded([torch.from_numpy(each.shares)[:, None] for each in chosen])
                set_rate(optimizer, rate, done / total)
                optimizer.zero_grad()
                torch.autograd.backward(listwise_loss(net(features, present), shares.squeeze(-1)))
                optimizer.step()
                done += len(chosen)
    return net.eval()
