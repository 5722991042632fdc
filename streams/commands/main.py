"""The `headrace` command: finds the command's own module and runs it.

A command is one file in this folder, `def add_arguments(parser)` and `def run(args) -> int`, and one line in
`COMMANDS`. Only the chosen command's module is imported, so that `headrace --help` answers at once.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Protocol, cast

from model.errors import HeadraceError

# The command's name and what it does. Its module is the name with _ for -.
COMMANDS = {
    "demo": "the whole system on this machine, live, with ml-100k as events",
    "up": "the whole system on this machine, empty, for an app to use",
    "bench": "measure the running system under offered load",
    "worker": "run a worker: events into feeds",
    "topics": "create the Kafka topics that are missing, and check the others",
    "gateway": "serve the HTTP API: events in, feeds out",
    "activate": "switch the running workers to another model",
    "dead-letters": "look at events that could not be applied, and send them again",
    "examples": "build training examples as shards, for data that outgrows a machine",
    "explain": "why a user is shown what they are shown, exactly",
    "train": "train, export and register a model from a dataset",
    "distil": "have a registered model teach a smaller one",
    "tune-text": "tune the text encoder on a dataset; kept where it is better",
    "renew": "have the model in force go on learning from logged examples, as a service",
    "replay": "evaluate on a dataset: each event is predicted before it is learned",
}

FAILED = 2
INTERRUPTED = 130


class Command(Protocol):
    """What a command's module offers."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, args: argparse.Namespace) -> int: ...


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit status: 0, 2 for an error that was said, 130 for Ctrl-C."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] not in COMMANDS:
        _top_parser().parse_args(words or ["--help"])  # prints and exits
        return FAILED
    name, *rest = words
    try:
        command = cast("Command", importlib.import_module(f"streams.commands.{name.replace('-', '_')}"))
        parser = argparse.ArgumentParser(
            prog=f"headrace {name}",
            description=command.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_arguments(parser)
        return command.run(parser.parse_args(rest))
    except HeadraceError as error:
        print(f"headrace {name}: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has closed it (`| head`); Python would complain once more at exit.
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
