"""The whole system on this machine, live: Kafka, Valkey, a worker, the gateway, and ml-100k as events.

  headrace demo
  headrace demo --seconds 60

The first part of the stream trains a model (var/demo keeps it for the next time); the demo plays the rest as
clicks and reviews of many users at once. An experiment runs: half of the users get the model's slates, half
what is popular, and the demo says what comes of it. It prints the address of its application (/demo), where
you click and see your own feed move, and opens it where there is a browser and a display (not with --no-open,
over SSH, or in CI). It serves until Ctrl-C, even when the stream is over.
With --seconds it stops by itself. The exit status is not 0 if something went wrong: a process ended, the
gateway did not accept an event, the worker did not apply one, or there is a dead letter.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from model.errors import SettingsError
from streams.commands.options import add_settings, settings_from
from streams.commands.outputs import check_folder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", type=float, metavar="N", help="play for N seconds, then stop")
    parser.add_argument("--rate", type=float, default=50.0, metavar="R", help="events a second (50)")
    parser.add_argument("--users", type=int, default=240, metavar="N", help="users at once (240)")
    parser.add_argument("--no-open", action="store_true", help="open no browser")
    parser.add_argument("--epochs", type=int, default=3, metavar="N", help="passes of the training (3)")
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N events of ml-100k")
    parser.add_argument(
        "--folder", type=Path, default=Path("var/demo"), help="where model and logs are (var/demo)"
    )
    add_settings(parser)


def run(args: argparse.Namespace) -> int:
    check_folder("--folder", args.folder)
    from streams.demo.demo import run_demo
    from streams.demo.prepare import DemoOptions

    if args.users < 1:
        raise SettingsError(f"--users {args.users}: expected 1 or more users at once")
    options = DemoOptions(
        rate=args.rate, users=args.users, epochs=args.epochs, limit=args.limit, folder=args.folder
    )
    return run_demo(options, settings_from(args), args.seconds, opens=not args.no_open)
