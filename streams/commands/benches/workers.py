"""What it costs that each worker follows all others, by their number.

  headrace bench workers --workers 1,2,4,8 --rate 300 --seconds 20

Every worker keeps its counters equal to the others' by the ledger. So an event costs one worker its slate,
and every other worker a little. Each number of workers gets a system of its own and the same load. Each topic
has one partition: one worker folds all events, the others only follow. A line through the CPU of all workers
tells the two parts apart, and with them how many workers are worth it.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from streams.commands.benches.benchmark import add_load, add_model, load_options, numbers
from streams.commands.options import settings_from

if TYPE_CHECKING:
    from streams.bench.cases import Result

UNIT = "an event"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--workers", default="1,2,4", metavar="W,W,...", help="worker processes, in turn")
    parser.add_argument("--rate", type=float, default=300.0, metavar="R", help="events a second (300)")
    add_load(parser)
    add_model(parser)


def measure(args: argparse.Namespace) -> Result:
    from streams.bench.workers import workers_report

    counts = [int(count) for count in numbers("--workers", args.workers, whole=True)]
    (rate,) = numbers("--rate", f"{args.rate:g}")
    options = [load_options(args, (rate,), count) for count in counts]
    return workers_report(options, settings_from(args))
