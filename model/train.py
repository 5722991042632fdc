"""Train the fusion network on examples; the same seed and examples give the same weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import torch

from model.determinism import deterministic
from model.distributed import ALONE, Group, agree, average_gradients, gathered
from model.epoch import epoch_batches, seed_dropout
from model.errors import DataError
from model.evaluate import Estimate
from model.examples import Shard
from model.network import FusionNet
from model.objective import Objective, Term
from model.plan import NetworkPlan, TrainPlan
from model.ranking import ranking
from model.resume import Parts, Position, Savepoints, Training
from model.schema import Schema
from model.shards import lengths
from model.standardise import Moments
from model.survey import digest_of, fingerprint
from model.tasks import Task
from model.vocabulary import Vocabulary

UNKNOWN = Estimate(math.nan, math.nan)
WARM_UP = 0.3  # the share of the steps in which the learning rate rises
FLAT = {"rescorer.skip.weight"}


class Progress(NamedTuple):
    """The progress of a training: `done` of `total` examples, over all epochs, and the mean loss by term
    since the last report. After each epoch also `hit_rate` and `ndcg` on the held-out examples, NaN within an
    epoch.
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
    """A report that does nothing."""


def train(
    shards: Sequence[Shard],
    held_out: Sequence[Shard],
    schema: Schema,
    network: NetworkPlan,
    plan: TrainPlan,
    tasks: Mapping[str, Task],
    vocabulary: Vocabulary,
    report: Report = silent,
    savepoints: Savepoints | None = None,
    group: Group = ALONE,
) -> FusionNet:
    """Fit a network to `shards`, and judge it after each epoch on `held_out`, which holds whole pools."""
    check_examples(shards)
    torch.manual_seed(plan.seed)
    net = FusionNet(network, schema, vocabulary.size).to(plan.device)
    fit_scales(net, shards, group=group)
    return fit(net, shards, held_out, plan, tasks, vocabulary, report, savepoints, group)


def check_examples(shards: Sequence[Shard]) -> int:
    """The number of examples; `DataError` if there is none."""
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
    savepoints: Savepoints | None = None,
    group: Group = ALONE,
    more: Mapping[str, Term] = {},
) -> FusionNet:
    """Go on with `net`: `plan.epochs` passes over the shards, `plan.window` of them in memory at a time.

    `savepoints`: keeps the state; the training goes on from a state that it holds. `group`: the processes
    that train together; all make this call with the same arguments, and the first one reports and saves.
    `more`: further terms of the loss, see `model.objective`.
    """
    examples = check_examples(shards)
    total, plan = examples * plan.epochs, plan.sized(examples)
    numbering = vocabulary.numbering()
    objective = Objective(tasks, plan, more).to(plan.device)
    parts = Parts(net, objective, optimizer_of(net, objective, plan))
    agree(net.state_dict().values(), group)
    place = Position()
    if savepoints is not None:
        training = _training(net, shards, plan, tasks, vocabulary)
        place = savepoints.load(training, parts)
        _check_same(place, group)
    parameters = [*net.parameters(), *objective.parameters()]
    with deterministic(plan.device):
        for epoch in range(place.epoch, plan.epochs):
            net.train()
            for at, batch in epoch_batches(shards, numbering, plan, place, group):
                seed_dropout(plan.seed, at, group)
                set_rate(parts.optimizer, plan.learning_rate, place.done / total)
                parts.optimizer.zero_grad()
                mean, terms = math.nan, {}
                if len(batch.rating):
                    loss, terms = objective(net, batch)
                    loss.backward()
                    mean = float(loss.detach())
                step = average_gradients(parameters, mean, len(batch.rating), group)
                parts.optimizer.step()
                place = msgspec.structs.replace(at, batch=at.batch + 1, done=place.done + step.examples)
                if group.leads:
                    report(Progress(epoch, place.done, total, step.loss, terms))
                    if savepoints is not None and savepoints.due():
                        savepoints.save(place, training, parts)
            place = Position(epoch + 1, done=place.done)
            if group.leads:
                if held_out:
                    report(
                        Progress(epoch, place.done, total, math.nan, {}, *ranking(net, held_out, vocabulary))
                    )
                if savepoints is not None:
                    savepoints.save(place, training, parts)
    return net.eval()


def _training(
    net: FusionNet,
    shards: Sequence[Shard],
    plan: TrainPlan,
    tasks: Mapping[str, Task],
    vocabulary: Vocabulary,
) -> Training:
    """The identity of this training; the device is not a part of it."""
    plan = msgspec.structs.replace(plan, device="")
    examples = fingerprint(shards)
    return Training(net.plan, plan, net.schema, dict(tasks), digest_of(vocabulary), examples)


def _check_same(place: Position, group: Group) -> None:
    """Raise `DataError` if the processes found different states: their steps would not belong together."""
    mine = torch.tensor(msgspec.structs.astuple(place))
    if any(not torch.equal(mine, other) for other in gathered(mine, group)):
        raise DataError(
            f"process {group.rank} goes on from {place}, another process from another place; give all "
            "processes one folder that they share"
        )


def optimizer_of(net: FusionNet, objective: Objective, plan: TrainPlan) -> torch.optim.Optimizer:
    """AdamW; weight decay does not shrink the linear part of the scores, on which all other parts build."""
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


def fit_scales(
    net: FusionNet, shards: Sequence[Shard], only_constant: bool = False, group: Group = ALONE
) -> None:
    """Fit the constants of the features to the shards, one at a time; each process reads its share."""
    scales = (net.rescorer.candidate_scale, net.view.user_scale, net.view.history_scale)
    candidates, users, steps = (Moments(len(scale.mean)) for scale in scales)
    for number in range(group.rank, len(shards), group.world):
        shard = shards[number]
        there = shard.candidates >= 0
        candidates.add(torch.from_numpy(shard.candidate_features[there]))
        users.add(torch.from_numpy(shard.user_features))
        steps.add(torch.from_numpy(shard.history_features[shard.history >= 0]))
    for moments, scale in zip((candidates, users, steps), scales, strict=True):
        of_all = Moments(len(scale.mean))
        for count, mean, squares in zip(*(gathered(each, group) for each in moments.parts()), strict=True):
            of_all.merge(int(count), mean, squares)
        of_all.fit(scale, only_constant)
