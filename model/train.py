"""Train the fusion network on examples; the same seed and examples give the same weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from model.errors import DataError
from model.examples import Shard
from model.losses import click_loss, rating_loss
from model.network import FusionNet, NetworkConfig
from model.schema import RescorerInputs, Schema


@dataclass(frozen=True)
class TrainSettings:
    """`validate`: the newest share of the examples, never trained on; its loss is reported by epoch."""

    epochs: int = 8
    batch: int = 256
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    rating_weight: float = 0.2
    validate: float = 0.05
    seed: int = 7
    device: str = "cpu"


class Progress(NamedTuple):
    """Where training stands: after `step` of `steps` batches. `validation` is NaN within an epoch."""

    epoch: int
    step: int
    steps: int
    loss: float
    validation: float


class Batch(NamedTuple):
    """Tensors of one batch; the fields are those of a shard, items as ids and texts."""

    history_id: Tensor
    history_text: Tensor
    history_features: Tensor
    history_mask: Tensor
    user_features: Tensor
    words: Tensor
    candidate_id: Tensor
    candidate_text: Tensor
    candidate_features: Tensor
    rating: Tensor


def train(
    shards: Sequence[Shard],
    schema: Schema,
    config: NetworkConfig,
    settings: TrainSettings,
    report: Callable[[Progress], None] = lambda progress: None,
) -> FusionNet:
    """A network fitted to all but the newest `validate` share of the examples."""
    total = sum(len(each) for each in shards)
    kept = total - int(total * settings.validate)
    if kept < 1:
        raise DataError(f"training needs at least one example; got {total}; warm on a longer stretch")
    torch.manual_seed(settings.seed)
    net = FusionNet(config, schema).to(settings.device)
    _standardise(net, shards, kept)
    optimizer = torch.optim.AdamW(
        net.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    steps = settings.epochs * -(-kept // settings.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, settings.learning_rate, total_steps=steps + 1)
    rng = np.random.default_rng(settings.seed)
    step = 0
    for epoch in range(settings.epochs):
        net.train()
        for batch in batches(shards, rng.permutation(kept), settings.batch, settings.device):
            loss = loss_of(net, batch, settings.rating_weight)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]  # torch's own annotation is missing
            optimizer.step()
            schedule.step()
            step += 1
            report(Progress(epoch, step, steps, float(loss.detach()), float("nan")))
        report(Progress(epoch, step, steps, float(loss.detach()), validate(net, shards, kept, settings)))
    return net.eval()


def validate(net: FusionNet, shards: Sequence[Shard], kept: int, settings: TrainSettings) -> float:
    """The mean loss on the examples from `kept` on; NaN where there are none."""
    total = sum(len(each) for each in shards)
    net.eval()
    losses: list[float] = []
    with torch.no_grad():
        for batch in batches(shards, np.arange(kept, total), settings.batch, settings.device):
            losses += [float(loss_of(net, batch, settings.rating_weight))] * len(batch.rating)
    return float(np.mean(losses)) if losses else float("nan")


def loss_of(net: FusionNet, batch: Batch, rating_weight: float) -> Tensor:
    """Click loss plus weighted rating loss of one batch."""
    click, rating = net.rescorer(*inputs_of(net, batch))
    return click_loss(click) + rating_weight * rating_loss(rating[:, 0], batch.rating)


def inputs_of(net: FusionNet, batch: Batch) -> tuple[Tensor, ...]:
    """The rescorer's inputs, in the order of `model.schema.RESCORER_INPUTS`."""
    return (
        _tower(net, batch.history_id, batch.history_text),
        batch.history_features,
        batch.history_mask,
        batch.user_features,
        batch.words,
        _tower(net, batch.candidate_id, batch.candidate_text),
        batch.candidate_features,
    )


def _tower(net: FusionNet, ids: Tensor, text: Tensor) -> Tensor:
    vectors: Tensor = net.item_tower(ids.flatten(), text.flatten(0, 1))
    return vectors.reshape(*ids.shape, -1)


def batches(shards: Sequence[Shard], order: np.ndarray, size: int, device: str) -> Iterator[Batch]:
    """The examples numbered `order` (over all shards), `size` at a time.

    A batch is made of parts, one a shard, since each shard has item texts of its own.
    """
    ends = np.cumsum([len(each) for each in shards])
    owner = np.searchsorted(ends, order, side="right")
    for begin in range(0, len(order), size):
        chosen, owners = order[begin : begin + size], owner[begin : begin + size]
        parts = [
            _part(shards[k], chosen[owners == k] - (ends[k] - len(shards[k]))) for k in np.unique(owners)
        ]
        columns = (np.concatenate(column) for column in zip(*parts, strict=True))
        yield Batch(*(torch.from_numpy(column).to(device) for column in columns))


def _part(shard: Shard, rows: np.ndarray) -> tuple[np.ndarray, ...]:
    history, candidates = shard.history[rows], shard.candidates[rows]
    return (
        (history + 1).astype(np.int64),
        shard.text[history].astype(np.float32) * (history >= 0)[..., None],
        shard.history_features[rows],
        (history >= 0).astype(np.float32),
        shard.user_features[rows],
        shard.words[rows],
        (candidates + 1).astype(np.int64),
        shard.text[candidates].astype(np.float32),
        shard.candidate_features[rows],
        shard.rating[rows],
    )


def rescorer_inputs(net: FusionNet, batch: Batch) -> RescorerInputs:
    """The same inputs as arrays, for the exported model."""
    with torch.no_grad():
        return RescorerInputs(*(each.cpu().numpy() for each in inputs_of(net, batch)))


def _standardise(net: FusionNet, shards: Sequence[Shard], kept: int) -> None:
    """Fit the constants on the training examples alone."""
    ends = np.cumsum([len(each) for each in shards])
    used = [each for each, end in zip(shards, ends, strict=True) if end - len(each) < kept]
    counts = [min(len(each), kept - int(ends[k]) + len(each)) for k, each in enumerate(used)]
    rescorer = net.rescorer
    flat = [
        each.candidate_features[:n].reshape(-1, each.candidate_features.shape[-1])
        for each, n in zip(used, counts, strict=True)
    ]
    rescorer.candidate_scale.fit(torch.from_numpy(np.concatenate(flat)))
    rescorer.user_scale.fit(
        torch.from_numpy(np.concatenate([e.user_features[:n] for e, n in zip(used, counts, strict=True)]))
    )
    steps = [each.history_features[:n][each.history[:n] >= 0] for each, n in zip(used, counts, strict=True)]
    if sum(len(each) for each in steps):
        rescorer.history_scale.fit(torch.from_numpy(np.concatenate(steps)))
