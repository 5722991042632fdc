"""Measure the running system under offered load, on a stack that the command starts and ends.

  headrace bench freshness
  headrace bench freshness --rates 300,1000 --seconds 30 --json out.json --table out.md --plot out.html

Freshness: the time from an event until Redis holds its user's new feed, by stage, at each rate in turn. A
process of its own sends the events on an open-loop schedule; latencies count from the time at which an event
was due. The demo's model ranks the feeds (the command trains it first if var/demo has none). Run it on a
machine that does nothing else.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from model.errors import SettingsError
from streams.commands.options import add_settings, settings_from
from streams.commands.outputs import check_files, check_folder, check_plots


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=["freshness"])
    load = parser.add_argument_group("load")
    load.add_argument(
        "--rates", default="100,300,600,1000", metavar="R,R,...", help="events a second, in turn"
    )
    load.add_argument("--seconds", type=float, default=20.0, metavar="S", help="of load at each rate (20)")
    load.add_argument("--arrivals", choices=["poisson", "constant"], default="poisson")
    load.add_argument("--users", type=int, default=1_000, metavar="U", help="users who act (1,000)")
    load.add_argument(
        "--items", type=int, default=0, metavar="N", help="a synthetic catalogue (ml-100k's items)"
    )
    load.add_argument("--per-request", type=int, default=1, metavar="N", help="events in one request (1)")
    load.add_argument("--connections", type=int, default=32, metavar="N", help="to the gateway (32)")
    load.add_argument("--direct", action="store_true", help="produce to Kafka, without the gateway")
    system = parser.add_argument_group("system")
    system.add_argument("--workers", type=int, default=1, metavar="W", help="worker processes (1)")
    system.add_argument("--folder", type=Path, default=Path("var/demo"), help="where the model is (var/demo)")
    system.add_argument("--limit", type=int, metavar="N", help="train only on the first N events of ml-100k")
    add_settings(system)
    out = parser.add_argument_group("output")
    out.add_argument("--json", type=Path, metavar="FILE", help="all numbers")
    out.add_argument("--table", type=Path, metavar="FILE.md", help="the table, in Markdown")
    out.add_argument("--plot", type=Path, metavar="FILE.html", help="a page of plots that works offline")


def run(args: argparse.Namespace) -> int:
    check_files({"--json": args.json, "--table": args.table, "--plot": args.plot})
    check_plots({"--plot": args.plot})
    check_folder("--folder", args.folder)
    from streams.bench.report import run_freshness
    from streams.bench.world import BenchOptions

    options = BenchOptions(
        rates=_rates(args.rates),
        seconds=args.seconds,
        arrivals=args.arrivals,
        users=args.users,
        items=args.items,
        per_request=args.per_request,
        connections=args.connections,
        direct=args.direct,
        workers=args.workers,
        folder=args.folder,
        limit=args.limit,
    )
    return run_freshness(options, settings_from(args), args.json, args.table, args.plot)


def _rates(text: str) -> tuple[float, ...]:
    try:
        rates = tuple(float(part) for part in text.split(","))
    except ValueError:
        rates = ()
    if not rates or min(rates) <= 0:
        raise SettingsError(f"--rates {text}: expected numbers above 0 with commas between, as in 100,300")
    return rates
