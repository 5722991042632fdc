"""Peak memory of a training on a folder of shards: a window at a time, or (--whole) all of it in memory.

    python -m benchmarks.streaming --examples var/examples --window 4
    python -m benchmarks.streaming --examples var/examples --whole

`headrace examples` makes such a folder. The training has one epoch. The peak is that of the process: run each
command on its own.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
import psutil
from rich.console import Console

from model.examples import Shard
from model.feature_names import HISTORY_FEATURES, USER_FEATURES
from model.plan import NetworkPlan, TrainPlan
from model.schema import Schema
from model.shards import ShardFiles, shard_folders
from model.survey import survey
from model.tasks import ordered, teachable
from model.train import train
from model.vocabulary import Vocabulary
from streams.bench.machine import Machine, this_machine
from streams.examples.folder import LEARN

MIB = 1024.0**2


class StreamingReport(msgspec.Struct, frozen=True):
    """Resident memory in MiB: before the first shard, and at its highest. `disk_mib`: the shards' files."""

    machine: Machine
    examples: int
    shards: int
    window: int
    disk_mib: float
    before_mib: float
    peak_mib: float
    seconds: float


def measure(folder: Path, window: int, whole: bool) -> StreamingReport:
    """Train one epoch."""
    files = ShardFiles(shard_folders(folder / LEARN))
    before = psutil.Process().memory_info().rss / MIB
    started = time.perf_counter()
    shards: Sequence[Shard] = list(files) if whole else files
    seen = survey(shards)
    tasks = teachable(ordered({}), seen.action, seen.rating)
    schema = Schema(
        candidate_features=files.facts[0].features,
        user_features=USER_FEATURES,
        history_features=HISTORY_FEATURES,
        tasks=tuple(tasks),
        modalities=seen.modalities,
        history=seen.history,
        text_dim=seen.text_dim,
    )
    plan = TrainPlan(epochs=1, window=len(files) if whole else window)
    train(shards, [], schema, NetworkPlan(), plan, tasks, Vocabulary(seen.items))
    return StreamingReport(
        machine=this_machine(),
        examples=sum(files.lengths),
        shards=len(files),
        window=plan.window,
        disk_mib=sum(file.stat().st_size for path in files.paths for file in path.iterdir()) / MIB,
        before_mib=before,
        peak_mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0,
        seconds=time.perf_counter() - started,
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--examples", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--window", type=int, default=4, metavar="N", help="shards in memory at once (4)")
    parser.add_argument("--whole", action="store_true", help="all shards in memory")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here")
    args = parser.parse_args()
    report = measure(args.examples, args.window, args.whole)
    if args.json is not None:
        args.json.write_bytes(msgspec.json.format(msgspec.json.encode(report)) + b"\n")
    Console().print(report)


if __name__ == "__main__":
    main()
