"""What every benchmark does with its result: three files, and the table on the screen."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from streams.commands.outputs import check_files, check_plots

if TYPE_CHECKING:
    from streams.bench.cases import Result


def add_output(parser: argparse.ArgumentParser, against: bool = True) -> None:
    """The options of a result. `against`: whether it can be compared with another one."""
    out = parser.add_argument_group("output")
    out.add_argument("--json", type=Path, metavar="FILE", help="all numbers")
    out.add_argument("--table", type=Path, metavar="FILE.md", help="the table, in Markdown")
    out.add_argument("--plot", type=Path, metavar="FILE.html", help="a page of plots that works offline")
    if against:
        out.add_argument(
            "--against", type=Path, metavar="PATH", help="another checkout, or an earlier result of --json"
        )
        out.add_argument("--rounds", type=int, default=3, metavar="N", help="with another checkout (3)")


def check_output(args: argparse.Namespace) -> None:
    """Raise `DataError` if a file can't be written; call it before a long run."""
    check_files(
        {"--json": args.json, "--table": args.table, "--plot": args.plot}, [getattr(args, "against", None)]
    )
    check_plots({"--plot": args.plot})


def write_output(result: Result, args: argparse.Namespace) -> None:
    """Write the files that were asked for, and print the table."""
    if args.json is not None:
        args.json.write_bytes(result.json())
    if args.table is not None:
        args.table.write_text(result.table())
    if args.plot is not None:
        result.plot(args.plot)
    print(result.table())
