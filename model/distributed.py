"""Data parallelism: several processes train one network, each on its share of every batch.

`torchrun` starts them; it sets RANK, WORLD_SIZE, LOCAL_RANK and the address where they meet. This module
averages the gradients itself, without torch's DistributedDataParallel: that gives all processes the same
weight, waits forever if one has no example left, and needs one forward call, while `model.objective` calls
the parts of the network in turn. Here each gradient counts by its examples, so any number of processes takes
the step that a single process takes with the whole batch.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, distributed, nn

from model.errors import SettingsError

# While one process validates or saves, the others wait. If one dies, torchrun ends the others.
PATIENCE = timedelta(hours=6)


class Group(NamedTuple):
    """The processes that train together: this is the `rank`-th of `world`, the `local`-th of its machine."""

    rank: int = 0
    world: int = 1
    local: int = 0

    @property
    def leads(self) -> bool:
        """Whether this process reports, validates and saves."""
        return self.rank == 0

    def own(self, rng: np.random.Generator | None) -> np.random.Generator | None:
        """A generator for this process alone; a single process keeps its generator."""
        return rng if rng is None or self.world == 1 else rng.spawn(self.world)[self.rank]

    def device(self, name: str) -> str:
        """`name`, or this process's own GPU.

        >>> Group(3, 4, 1).device("cuda"), Group(3, 4, 1).device("cpu"), Group().device("cuda")
        ('cuda:1', 'cpu', 'cuda')
        """
        return f"cuda:{self.local}" if name == "cuda" and self.world > 1 else name


ALONE = Group()


@contextmanager
def group_of(environ: Mapping[str, str] = os.environ) -> Iterator[Group]:
    """The group in which torchrun has started this process, or a single process; `SettingsError` if the
    variables make no group.
    """
    try:
        world = int(environ.get("WORLD_SIZE", "1"))
        group = Group(int(environ.get("RANK", "0")), world, int(environ.get("LOCAL_RANK", "0")))
        if not 0 <= group.rank < world:
            raise ValueError(f"RANK is {group.rank} of WORLD_SIZE {world}")
        if world > 1:
            distributed.init_process_group("gloo", timeout=PATIENCE)
    except ValueError as error:
        raise SettingsError(
            f"expected the variables that torchrun sets: {error}; start with torchrun"
        ) from None
    try:
        yield group
    finally:
        if world > 1:
            distributed.destroy_process_group()


class Step(NamedTuple):
    """Of all processes: the mean loss of a batch, and its number of examples."""

    loss: float
    examples: int


def average_gradients(parameters: Iterable[nn.Parameter], loss: float, examples: int, group: Group) -> Step:
    """Make each gradient the mean over the examples of all processes; `loss` is this process's mean.

    This makes one sum over one flat buffer. A parameter without a gradient in all processes keeps none.
    """
    if group.world == 1:
        return Step(loss, examples)
    wanted = [each for each in parameters if each.requires_grad]
    grads = [torch.zeros_like(each) if each.grad is None else each.grad for each in wanted]
    there = torch.tensor([float(each.grad is not None) for each in wanted])
    totals = torch.tensor([loss * examples if examples else 0.0, float(examples)])
    flat = torch.cat([*(each.detach().flatten().cpu() * examples for each in grads), there, totals])
    distributed.all_reduce(flat)
    *known, loss_sum, total = flat[-len(wanted) - 2 :].tolist()
    begin = 0
    for parameter, count in zip(wanted, known, strict=True):
        mean = flat[begin : begin + parameter.numel()].view_as(parameter) / total
        begin += parameter.numel()
        parameter.grad = mean.to(parameter.device) if count else None
    return Step(loss_sum / total, round(total))


def agree(tensors: Iterable[Tensor], group: Group) -> None:
    """Give every process the values of the first."""
    if group.world > 1:
        for each in tensors:
            value = each.detach().cpu()
            distributed.broadcast(value, 0)
            each.detach().copy_(value)


def gathered(values: Tensor, group: Group) -> Sequence[Tensor]:
    """The `values` of every process, in the order of their ranks; of one shape and dtype everywhere."""
    if group.world == 1:
        return [values]
    found = [torch.empty_like(values) for _ in range(group.world)]
    distributed.all_gather(found, values)
    return found
