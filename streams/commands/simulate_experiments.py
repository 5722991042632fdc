"""Experiments on simulated users: whether readings keep their promises, whatever the seed.

  headrace simulate experiments
  headrace simulate experiments --seed 11 --report proof.html --json proof.json
  headrace simulate experiments --users 5000 --effect 0.2 --kind ratio

For each kind of metric, users enter one by one and are looked at after every 100. Without a difference
between the arms: how often is one called at any look? With a planted one: how often and how soon is it found,
by the confidence sequence with CUPED and without, by group-sequential bounds, and at a fixed horizon; and is
the true lift in the intervals? Four arms whose weights move are asked the same, and what they cost. Then
counts of users: is a fair split left alone, and a mismatch of 1% found?
Without --effect the effect is the one that --users are planned for. The exit status is 1 if a promise is
broken (docs/experiments.md, "Readings").
"""

from __future__ import annotations

import argparse
from pathlib import Path

from streams.commands.options import progress_lines
from streams.commands.outputs import check_files, check_plots

NAME = "experiments"
DOES = "whether readings of experiments keep their promises"
BROKEN = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from streams.experiments.simulated.proof import Options
    from streams.experiments.simulated.users import KINDS

    usual = Options()
    for name, kind, does in (
        ("seed", int, f"of all that is drawn ({usual.seed})"),
        ("runs", int, f"without a difference, for each kind ({usual.runs:,})"),
        ("planted", int, f"runs with an effect ({usual.planted:,})"),
        ("users", int, f"that enter each run ({usual.users:,})"),
        ("window", int, f"users that enter while one's window lasts ({usual.window:,})"),
        ("every", int, f"users between looks ({usual.every})"),
        ("alpha", float, f"the chance of a wrong claim ({usual.alpha:g})"),
        ("effect", float, "the planted relative lift, as 0.1 (what the users are planned for)"),
    ):
        parser.add_argument(f"--{name}", type=kind, default=getattr(usual, name), metavar="X", help=does)
    parser.add_argument("--kind", action="append", choices=KINDS, help="only this kind of metric; again")
    parser.add_argument(
        "--report", type=Path, metavar="FILE.html", help="write a page of plots that works offline"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures for programs")


def run(args: argparse.Namespace) -> int:
    import msgspec
    from rich.console import Console
    from rich.table import Table

    from streams.experiments.simulated import told
    from streams.experiments.simulated.promises import promises
    from streams.experiments.simulated.proof import Options, prove
    from streams.experiments.simulated.users import KINDS

    fields = ("seed", "runs", "planted", "users", "window", "every", "alpha", "effect")
    given = {name: getattr(args, name) for name in fields}
    options = Options(**given, kinds=tuple(dict.fromkeys(args.kind or KINDS)))
    check_files({"--report": args.report, "--json": args.json})
    check_plots({"--report": args.report})
    proof = prove(options, progress_lines())
    judged = promises(proof)
    console = Console()
    console.print(told.said(proof), markup=False, highlight=False, soft_wrap=True)
    for rows in (
        told.alarms(proof),
        told.power(proof),
        told.coverage(proof),
        told.adaptive(proof),
        told.mismatches(proof),
        told.kept(judged),
    ):
        if not rows:
            continue
        shown = Table()
        for name in rows[0]:
            shown.add_column(name, overflow="fold")
        for row in rows[1:]:
            shown.add_row(*row)
        console.print(shown)
    if args.json is not None:
        figures = {**msgspec.to_builtins(proof), "promises": msgspec.to_builtins(judged)}
        args.json.write_bytes(msgspec.json.format(msgspec.json.encode(figures), indent=1) + b"\n")
    if args.report is not None:
        from streams.offline.reports.proof import write_proof

        write_proof(args.report, proof, judged)
        console.print(f"report: {args.report}", markup=False, highlight=False)
    return 0 if all(each.kept for each in judged) else BROKEN
