"""A small training as a process of its own, to be killed or to be one of several.

  python -m tests.model.one_training SHARDS STATE WEIGHTS [EVERY_S] [DROPOUT]

Trains on the shards in folder SHARDS, keeps its state in folder STATE ("-": nowhere), prints a line for each
batch, and writes WEIGHTS.RANK in the end.
"""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import torch
from safetensors.torch import save_file

from model.distributed import group_of
from model.plan import TrainPlan
from model.resume import Savepoints
from model.shards import ShardFiles, shard_folders
from model.train import Progress, train
from tests.model.learnable_shards import NETWORK, SCHEMA, TASKS, VOCABULARY

PLAN = TrainPlan(epochs=3, batch=16, window=2, negatives=0, seed=3)


def main(shards: str, state: str, weights: str, every_s: str = "0", dropout: str = "0.1") -> None:
    torch.set_num_threads(1)
    network = msgspec.structs.replace(NETWORK, dropout=float(dropout), forget_id=float(dropout))
    plan = msgspec.structs.replace(PLAN, negatives=8 if float(dropout) else 0)

    def report(progress: Progress) -> None:
        print(progress.done, progress.loss, flush=True)

    with group_of() as group:
        net = train(
            ShardFiles(shard_folders(Path(shards))), [], SCHEMA, network, plan, TASKS, VOCABULARY, report,
            None if state == "-" else Savepoints(Path(state), float(every_s)), group,
        )  # fmt: skip
        save_file(dict(net.state_dict()), f"{weights}.{group.rank}")


if __name__ == "__main__":
    main(*sys.argv[1:])
