"""Experiments: `headrace experiments COMMAND --help` says what a command takes.

headrace experiments whatif     what an arm that never ran would have been worth
"""

from __future__ import annotations

import argparse

from streams.commands import experiments_whatif


def add_arguments(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, dest="command")
    described = commands.add_parser(
        "whatif",
        help="what an arm that never ran would have been worth",
        description=experiments_whatif.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    experiments_whatif.add_arguments(described)


def run(args: argparse.Namespace) -> int:
    return experiments_whatif.run(args)
