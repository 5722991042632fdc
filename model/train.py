"""Train the fusion network on examples; the same seed and examples give the same weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from model.batches import batches
from model.errors import DataError
from model.evaluate import Estimate
from model.examples import Shard
from model.network import FusionNet
from model.objective import Objective, Term
from model.plan import NetworkPlan, TrainPlan
from model.ranking import ranking
from model.schema import Schema
from model.shards import lengths
from model.standardise import Moments
from model.tasks import Task
from model.vocabulary import Vocabulary

UNKNOWN = Estimate(math.nan, math.nan)
WARM_UP = 0.3  # of the steps: the learning rate rises
FLAT = {"rescorer.skip.weight"}


class Progress(NamedTuple):
    """Where training stands: `done` of `total` examples, over all epochs, and the mean loss by term since the
    last report. After each epoch also `hit_rate` and `ndcg` on the held-out examples, NaN within one.
    """

    epoch: int
    done: int
    total: int
    loss: float
    terms: Mapping[str, float]
    hit_rate: Estimate = UNKNOWN
    ndcg: Estimate = UNKNOWN


Report = Callable[[Progress], None]


def silent(_progress: Progress) -> None:
    """The report that says nothing."""


def train(
    shards: Sequence[Shard],
    held_out: Sequence[Shard],
    schema: Schema,
    network: NetworkPlan,
    plan: TrainPlan,
    tasks: Mapping[str, Task],
    vocabulary: Vocabulary,
    report: Report = silent,
) -> FusionNet:
    """A network fitted to `shards`, judged after each epoch on `held_out`, which holds whole pools."""
    check_examples(shards)
    torch.manual_seed(plan.seed)
    net = FusionNet(network, schema, vocabulary.size).to(plan.device)
    fit_scales(net, shards)
    return fit(net, shards, held_out, plan, tasks, vocabulary, report)


def check_examples(shards: Sequence[Shard]) -> int:
    """How many examples there are; `DataError` where there is none."""
    total = sum(lengths(shards))
    if total < 1:
        raise DataError(f"training needs at least one example; got {total}; warm on a longer stretch")
    return total


def fit(
    net: FusionNet,
    shards: Sequence[Shard],
    held_out: Sequence[Shard],
    plan: TrainPlan,
    tasks: Mapping[str, Task],
    vocabulary: Vocabulary,
    report: Report = silent,
    more: Mapping[str, Term] = {},
) -> FusionNet:
    """Go on with `net`: `plan.epochs` passes over the shards, `plan.window` of them in memory at a time.

    `more`: further terms of the loss, see `model.objective`.
    """
    examples = check_examples(shards)
    total, size = examples * plan.epochs, plan.batch_for(examples)
    numbering = vocabulary.numbering()
    objective = Objective(tasks, plan, more).to(plan.device)
    optimizer = optimizer_of(net, objective, plan)
    done = 0
    for epoch in range(plan.epochs):
        rng = np.random.default_rng([plan.seed, epoch])
        for window in windows(len(shards), plan.window, rng):
            net.train()
            # Not named, so that one window is forgotten before the next is read.
            for batch in batches(
                [shards[k] for k in window], numbering, size, plan.device, rng, plan.negatives
            ):
                set_rate(optimizer, plan.learning_rate, done / total)
                loss, terms = objective(net, batch)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                done += len(batch.rating)
                report(Progress(epoch, done, total, float(loss.detach()), terms))
        if held_out:
            report(Progress(epoch, done, total, math.nan, {}, *ranking(net, held_out, vocabulary)))
    return net.eval()


def windows(shards: int, size: int, rng: np.random.Generator) -> list[list[int]]:
    """The shards in a random order, `size` at a time."""
    order = rng.permutation(shards).tolist()
    return [order[begin : begin + size] for begin in range(0, shards, size)]


def optimizer_of(net: FusionNet, objective: Objective, plan: TrainPlan) -> torch.optim.Optimizer:
    """AdamW; the linear part of the scores is not drawn to zero, for it is the start of everything else."""
    flat = [each for name, each in net.named_parameters() if name in FLAT]
    rest = [each for name, each in net.named_parameters() if name not in FLAT]
    groups: list[dict[str, Any]] = [
        {"params": rest, "weight_decay": plan.weight_decay},
        {"params": [*flat, *(each for each in objective.parameters() if each.requires_grad)]},
    ]
    return torch.optim.AdamW(groups, lr=plan.learning_rate, weight_decay=0.0)


def set_rate(optimizer: torch.optim.Optimizer, highest: float, part: float) -> None:
    """One cycle of the learning rate (arXiv 1708.07120): up from a 25th, then down to nothing, as cosines."""
    if part < WARM_UP:
        share = 0.04 + 0.96 * (1.0 - math.cos(math.pi * part / WARM_UP)) / 2.0
    else:
        share = (1.0 + math.cos(math.pi * (part - WARM_UP) / (1.0 - WARM_UP))) / 2.0
    for group in optimizer.param_groups:
        group["lr"] = highest * share


def fit_scales(net: FusionNet, shards: Sequence[Shard], only_constant: bool = False) -> None:
    """Fit the constants of the features on the shards, one at a time."""
    scales = (net.rescorer.candidate_scale, net.view.user_scale, net.view.history_scale)
    candidates, users, steps = (Moments(len(scale.mean)) for scale in scales)
    for shard in shards:
        there = shard.candidates >= 0
        candidates.add(torch.from_numpy(shard.candidate_features[there]))
        users.add(torch.from_numpy(shard.user_features))
        steps.add(torch.from_numpy(shard.history_features[shard.history >= 0]))
    for moments, scale in zip((candidates, users, steps), scales, strict=True):
        moments.fit(scale, only_constant)
