"""Kafka, Valkey, workers and the gateway on this machine, for an app to use while it is written.

  headrace up
  headrace up --workers 2 --folder var/up

The command runs until Ctrl-C or SIGTERM, then stops everything and exits with 0. If one of the processes ends
by itself, the command prints its name, its exit code and the end of its log, stops the others, keeps the
logs, and exits with 1. Events and feeds are gone afterwards, unless --folder says where to keep them. Models
come from model.registry; without a model the counters rank the feeds. Where the registry has no text encoder,
the first start makes one (model.make_encoder): searches go by meaning, too.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from streams.commands.options import add_settings, settings_from
from streams.commands.outputs import check_folder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="worker processes (1)")
    parser.add_argument(
        "--folder", type=Path, metavar="DIR", help="keep data and logs here for the next time"
    )
    add_settings(parser)


def run(args: argparse.Namespace) -> int:
    check_folder("--folder", args.folder)
    from streams.local.up import run_until_stopped
    from streams.recommender import check_plans

    settings = settings_from(args)
    check_plans(settings)  # an arm that can't be is refused before anything is started
    return run_until_stopped(settings, args.workers, args.folder)
