"""The batches of an epoch, and their random draws.

The order, the negatives and the dropout depend only on the seed and the place of the batch. So a training can
go on after any batch (`model.resume`), and several processes take the same order (`model.distributed`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from model.batches import Batch, batches
from model.distributed import Group
from model.examples import Shard
from model.plan import TrainPlan
from model.resume import Position
from model.vocabulary import Numbering


def epoch_batches(
    shards: Sequence[Shard], numbering: Numbering, plan: TrainPlan, start: Position, group: Group
) -> Iterator[tuple[Position, Batch]]:
    """The batches of an epoch from `start` on, and the position of each."""
    order = windows(len(shards), plan.window, np.random.default_rng([plan.seed, start.epoch]))
    for number in range(start.window, len(order)):
        begin = start.batch if number == start.window else 0
        rng = np.random.default_rng([plan.seed, start.epoch, number])
        # The window has no name, so that Python frees it before the next one is read.
        found = batches(
            [shards[k] for k in order[number]],
            numbering, plan.batch, plan.device, rng, plan.negatives, begin, group,
        )  # fmt: skip
        for at, batch in enumerate(found, begin):
            yield Position(start.epoch, number, at), batch


def seed_dropout(seed: int, at: Position, group: Group) -> None:
    """Seed torch for the batch at `at`; each process drops other units."""
    places = [seed, at.epoch, at.window, at.batch, group.rank]
    torch.manual_seed(int(np.random.SeedSequence(places).generate_state(1, np.uint64)[0]))


def windows(shards: int, size: int, rng: np.random.Generator) -> list[list[int]]:
    """The shards in a random order, `size` at a time."""
    order = rng.permutation(shards).tolist()
    return [order[begin : begin + size] for begin in range(0, shards, size)]
