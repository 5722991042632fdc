"""One training loop for all tuning of a text encoder: it stops when the held-out loss stops falling.

It keeps the best weights in memory and puts them back at the end; it writes no files.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor, nn

from model.determinism import deterministic
from model.errors import DataError

Batch = TypeVar("Batch")


@dataclass(frozen=True)
class Schedule:
    """At most `rounds` of training; it ends after `patience` rounds without a lower held-out loss.

    The rate rises over the first tenth of the first round, then falls linearly to a tenth of itself.
    `bfloat16`: multiply matrices in 16 bits, which takes half of the time if the processor supports it.
    """

    rounds: int = 6
    patience: int = 1
    learning_rate: float = 5e-4
    weight_decay: float = 1e-2
    clip: float = 1.0
    bfloat16: bool = False


class Round(NamedTuple):
    """Where training stands: after `step` of `steps` in this round. `held_out` is NaN within a round."""

    round: int
    step: int
    steps: int
    loss: float
    held_out: float


Report = Callable[[Round], None]


def fit(
    module: nn.Module,
    loss_of: Callable[[Batch], Tensor],
    batches: Callable[[int], Sequence[Batch]],
    held_out: Sequence[Batch],
    schedule: Schedule,
    report: Report = lambda progress: None,
) -> list[float]:
    """Train the parameters of `module` that require gradients; returns the held-out losses, the first before
    training.

    `batches(round)` returns the batches of a round. The module ends in evaluation mode with its best weights,
    which may be the first ones.
    """
    if not held_out:
        raise DataError("early stopping needs held-out batches; got none: take a longer stretch")
    trained = {name: each for name, each in module.named_parameters() if each.requires_grad}
    optimizer = torch.optim.AdamW(
        trained.values(), lr=schedule.learning_rate, weight_decay=schedule.weight_decay
    )
    device = next(module.parameters()).device.type

    def counted(batch: Batch) -> Tensor:
        with torch.autocast(device, dtype=torch.bfloat16, enabled=schedule.bfloat16):
            return loss_of(batch)

    with deterministic(device):
        losses = [_mean_loss(module, counted, held_out)]
        best = {name: each.detach().clone() for name, each in trained.items()}
        since = 0
        for number in range(schedule.rounds):
            module.train()
            some = batches(number)
            for step, batch in enumerate(some):
                for group in optimizer.param_groups:
                    group["lr"] = schedule.learning_rate * _rate(number + step / len(some), schedule.rounds)
                loss = counted(batch)
                optimizer.zero_grad()
                torch.autograd.backward(loss)
                nn.utils.clip_grad_norm_(trained.values(), schedule.clip)
                optimizer.step()
                report(Round(number, step + 1, len(some), float(loss.detach()), math.nan))
            losses.append(_mean_loss(module, counted, held_out))
            report(Round(number, len(some), len(some), float(loss.detach()), losses[-1]))
            since += 1
            if losses[-1] < min(losses[:-1]):
                since, best = 0, {name: each.detach().clone() for name, each in trained.items()}
            if since >= schedule.patience:
                break
    with torch.no_grad():
        for name, each in trained.items():
            each.copy_(best[name])
    module.eval()
    return losses


def _rate(done: float, rounds: int) -> float:
    """The share of the learning rate after `done` rounds."""
    return min(1.0, 0.1 + 9.0 * done) * (1.0 - 0.9 * done / rounds)


@torch.no_grad()
def _mean_loss(module: nn.Module, loss_of: Callable[[Batch], Tensor], batches: Sequence[Batch]) -> float:
    module.eval()
    return sum(float(loss_of(batch)) for batch in batches) / len(batches)
