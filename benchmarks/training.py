"""The time of a training step on each device, and the part of it that makes the batch.

    headrace train ... --keep FOLDER
    python -m benchmarks.training FOLDER --devices cpu,cuda --json benchmarks/results/training.json

The folder holds a checkpoint and its examples. The benchmark trains a new network of the checkpoint's form on
the same batches on every device. It does not count the first steps, which choose and load kernels. The click
loss of the last steps shows that all devices learn alike.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import torch

from benchmarks.machine import made
from model import examples
from model.batches import batches
from model.checkpoint import Checkpoint, load_checkpoint
from model.examples import Shard
from model.plan import TrainPlan
from model.train import Progress, train

WARM_UP, LAST = 5, 20
PACKAGES = ("numpy", "torch")


class Row(NamedTuple):
    """Medians, in milliseconds. `batch_ms` is the part of a step that makes the batch."""

    device: str
    threads: int
    batch: int
    steps: int
    step_ms: float
    batch_ms: float
    examples_per_s: float
    click_loss: float


def measure(checkpoint: Checkpoint, shards: Sequence[Shard], plan: TrainPlan, steps: int) -> Row:
    """Train for `steps` batches of the plan's size."""
    chosen = _first(shards, steps * plan.batch)
    at: list[float] = []
    clicks: list[float] = []

    def report(progress: Progress) -> None:
        at.append(time.perf_counter())
        if progress.terms:
            clicks.append(progress.terms["click"])

    net, tasks, vocabulary = checkpoint
    train(chosen, (), net.schema, net.plan, plan, tasks, vocabulary, report)
    took = np.diff(at)[WARM_UP:]
    step_s = float(np.median(took))
    return Row(
        plan.device,
        torch.get_num_threads(),
        plan.batch,
        len(took),
        round(1e3 * step_s, 2),
        round(1e3 * _batch_s(checkpoint, chosen, plan), 2),
        round(plan.batch / step_s),
        round(float(np.mean(clicks[-LAST:])), 4),
    )


def _batch_s(checkpoint: Checkpoint, shards: Sequence[Shard], plan: TrainPlan) -> float:
    """The median time to make a batch like the training, without the copy to a device."""
    rng = np.random.default_rng(plan.seed)
    numbering = checkpoint.vocabulary.numbering()
    made = batches(shards, numbering, plan.batch, "cpu", rng, plan.negatives)
    at = [time.perf_counter() for _ in made]
    return float(np.median(np.diff(at)[WARM_UP:]))


def _first(shards: Sequence[Shard], count: int) -> list[Shard]:
    """The first `count` examples."""
    found: list[Shard] = []
    for each in shards:
        left = count - sum(map(len, found))
        if left > 0:
            found.append(each.rows(np.arange(min(left, len(each)))))
    return found


def main() -> None:
    """Print a line for each device and batch size and, with `--json`, write the same for programs."""
    parser = argparse.ArgumentParser(description="Training steps, by device.")
    parser.add_argument("folder", type=Path, help="what `headrace train --keep` wrote")
    parser.add_argument("--devices", default="cpu,cuda", help="torch's names of them, comma-separated")
    parser.add_argument("--batches", default="256,1024", help="examples a step, comma-separated")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    checkpoint = load_checkpoint(arguments.folder)
    learned, held_out = examples.divided(examples.load(arguments.folder / examples.KEPT))
    learned = learned or held_out  # the stream is too short to hold examples out
    rows = []
    for size in map(int, arguments.batches.split(",")):
        for device in arguments.devices.split(","):
            plan = TrainPlan(epochs=1, batch=size, steps_least=1, device=device)
            plan = msgspec.structs.replace(plan, window=len(learned))
            rows.append(measure(checkpoint, learned, plan, arguments.steps))
            print(rows[-1]._asdict())
    report: dict[str, Any] = {
        **made(
            f"python -m benchmarks.training FOLDER --devices {arguments.devices} "
            f"--batches {arguments.batches} --steps {arguments.steps}",
            PACKAGES,
        ),
        "rows": [row._asdict() for row in rows],
    }
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
