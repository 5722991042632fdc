"""Build the training examples of a dataset as Parquet shards, for data that outgrows a process's memory.

  headrace examples --interactions ratings.csv --items movies.csv --out var/examples --engine ray
  headrace train --examples var/examples --name first

The command learns the stream once. Ray Data tasks, one a segment, then make the examples, which is most of
the work; each task begins with the counters and users' states at the start of its segment. The examples are
the same, bit for bit, as those of one process (`--engine local`). RAY_ADDRESS names a cluster; without it Ray
runs on this machine. Ray needs the extra `scale`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from model.errors import DataError
from streams.commands.options import (
    add_dataset,
    add_settings,
    dataset_from,
    graph_from,
    progress_bar,
    say_how_read,
    settings_from,
)
from streams.commands.outputs import check_folder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_dataset(parser.add_argument_group("data"))
    run = parser.add_argument_group("run")
    run.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where to write the shards")
    run.add_argument("--engine", choices=("local", "ray"), default="local", help="what builds them (local)")
    run.add_argument("--segments", type=int, default=8, metavar="N", help="pieces of the stream (8)")
    run.add_argument("--workers", type=int, metavar="N", help="cores that a Ray of our own takes (all)")
    run.add_argument(
        "--warm", type=float, default=1.0, help="share of the stream, by events, that becomes examples (1)"
    )
    run.add_argument(
        "--registry", type=Path, metavar="FOLDER", help="of the text encoder; as in the settings"
    )
    add_settings(run)


def run(args: argparse.Namespace) -> int:
    # The imports stand here, so that --help and a wrong option answer at once.
    from rich.console import Console

    from export.registry import Registry
    from streams.offline.building.build import build_examples

    settings = graph_from(args, settings_from(args))
    check_folder("--out", args.out)
    if args.out.exists() and any(args.out.iterdir()):
        raise DataError(f"{args.out} is not empty; name a new folder, so that two builds do not mix")
    if not 0 < args.warm <= 1:
        raise DataError(f"--warm {args.warm}: expected a share above 0 and up to 1")
    dataset, console = dataset_from(args, settings), Console()
    say_how_read(dataset, console)
    until = int(len(dataset.interactions) * args.warm)
    registry = Registry(args.registry or Path(settings.model.registry))
    built = build_examples(
        dataset, settings, registry, until, args.segments, args.out, args.engine, args.workers, progress_bar()
    )
    console.print(
        f"{built.examples} examples of {until} events in {built.seconds:.1f} s: {args.out}",
        markup=False,
        highlight=False,
    )
    return 0
