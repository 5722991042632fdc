"""The `headrace` command: finds the command's own module and runs it.

A command is one file in this folder, `def add_arguments(parser)` and `def run(args) -> int`, and one line in
`COMMANDS`. `main` imports only the chosen command's module, so that `headrace --help` answers at once.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Protocol, cast

from model.errors import HeadraceError
from streams.commands.one_thread import one_thread

# Each command's name and what it does. Its module has the same name, with _ for -.
COMMANDS = {
    "demo": "the whole system on this machine, live, with ml-100k as events",
    "up": "the whole system on this machine, empty, for an app to use",
    "bench": "measure the system on this machine, and compare two builds of it",
    "worker": "run a worker: events into feeds",
    "topics": "create the Kafka topics that are missing, and check the others",
    "gateway": "serve the HTTP API: events in, feeds out",
    "ranker": "rank on request in a process of its own, for gateways to ask",
    "activate": "switch the running workers to another model",
    "reshard": "copy the store to another number of shards, or to a Redis Cluster",
    "search": "make the search index anew",
    "dead-letters": "look at events that could not be applied, and send them again",
    "examples": "build training examples as shards, for data that outgrows a machine",
    "experiments": "arms for some of the users: declare, start, look at, stop and ship them",
    "explain": "why a user is shown what they are shown, exactly",
    "trace": "which trace an event has, by its id",
    "train": "train, export and register a model from a dataset",
    "distil": "train a smaller model to rank like a registered one",
    "encoder": "make the text encoder, where the registry has none",
    "tune-text": "tune the text encoder on a dataset, and keep it if it is better",
    "renew": "train the model in force on logged examples again and again, as a service",
    "replay": "evaluate on a dataset: predict each event, then learn it",
    "simulate": "let simulated users, fitted on a dataset, click through the core",
}

TRAIN = {"demo", "bench", "examples", "train", "distil", "tune-text", "renew", "replay", "simulate"}
"""Commands that may train: torch computes in as many threads as it likes."""

FAILED = 2
INTERRUPTED = 130


class Command(Protocol):
    """What a command's module has. `args.after_name` are the words of the command line after its name."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, args: argparse.Namespace) -> int: ...


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0, 2 for an error with a message, 130 for Ctrl-C."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] not in COMMANDS:
        _top_parser().parse_args(words or ["--help"])  # prints and exits
        return FAILED
    name, *rest = words
    if argv is None:  # the process is this command's own
        one_thread(trains=name in TRAIN)
    try:
        command = cast("Command", importlib.import_module(f"streams.commands.{name.replace('-', '_')}"))
        parser = argparse.ArgumentParser(
            prog=f"headrace {name}",
            description=command.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_arguments(parser)
        return command.run(parser.parse_args(rest, argparse.Namespace(after_name=rest)))
    except HeadraceError as error:
        print(f"headrace {name}: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The program that reads our output has closed it (`| head`); Python would complain again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _top_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="headrace",
        description="Events in, fresh recommendations out.",
        epilog="headrace COMMAND --help says what a command takes.",
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, does in COMMANDS.items():
        commands.add_parser(name, help=does)
    return parser
