"""The time from an event until Redis holds its user's new feed, by offered load.

  headrace bench freshness --rates 300,1000 --seconds 30 --json out.json --table out.md --plot out.html

By stage, at each rate in turn. A process of its own sends the events on an open-loop schedule; latencies
count from the time at which an event was due. The demo's model ranks the feeds.
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
    parser.add_argument(
        "--rates", default="100,300,600,1000", metavar="R,R,...", help="events a second, in turn"
    )
    add_load(parser)
    parser.add_argument("--workers", type=int, default=1, metavar="W", help="worker processes (1)")
    add_model(parser)


def measure(args: argparse.Namespace) -> Result:
    from streams.bench.report import freshness_report

    options = load_options(args, numbers("--rates", args.rates), args.workers)
    return freshness_report(options, settings_from(args))
