"""Simulated users, fitted on a dataset, read feeds and click through the core that serves.

  headrace simulate --model none
  headrace simulate --settings frozen.toml --settings adapted.toml --drift-at 8000
  headrace simulate --model none --hostile 0.05 --attack loop --report attack.html
  headrace simulate experiments --report proof.html

Without --interactions the data is ml-100k. Each --settings file, and each --arm, is a world of its own: the
same users come at the same times, and draw the same random numbers, so their differences are paired. With
--split, users of each world are divided among arms instead. docs/simulation.md has the choice model and all
that a --scenario file may say. Ctrl-C ends the run with the figures that there are.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, get_args

from model.errors import SettingsError
from streams.commands import simulate_experiments
from streams.commands.options import (
    add_dataset,
    add_training,
    dataset_from,
    graph_from,
    inputs_of,
    progress_lines,
    training_from,
)
from streams.commands.outputs import check_files, check_folder, check_plots
from streams.settings.reading import load
from streams.settings.tree import DEFAULT_ARM

if TYPE_CHECKING:
    from streams.offline.simulation.preparation import Entrant

ML_100K = "ml-100k"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from streams.offline.simulation.scenario import AttackKind

    data = parser.add_argument_group("data")
    add_dataset(data, required=False)
    data.add_argument("--limit", type=int, metavar="N", help="only the first N events")
    worlds = parser.add_argument_group("worlds")
    worlds.add_argument(
        "--settings",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="a world under these settings, as TOML; may be given again. HEADRACE_SECTION__NAME variables"
        " override all of them",
    )
    worlds.add_argument(
        "--arm",
        action="append",
        default=[],
        metavar="NAME",
        help="a world of this arm of the settings; again",
    )
    worlds.add_argument(
        "--split", metavar="NAME,NAME", help="divide the users of each world among these arms"
    )
    worlds.add_argument(
        "--model",
        metavar="FOLDER",
        help='an exported model; "none" for counters alone (trains one by default)',
    )
    worlds.add_argument(
        "--warm", type=float, default=0.5, help="share of the data that is learned before (0.5)"
    )
    add_training(worlds)
    played = parser.add_argument_group("scenario", "each wins over the --scenario file")
    played.add_argument("--scenario", type=Path, metavar="FILE", help="TOML; see docs/simulation.md")
    played.add_argument("--visits", type=int, metavar="N", help="feeds that honest users read (20,000)")
    played.add_argument("--population", type=int, metavar="N", help="honest users (as the data has)")
    played.add_argument("--places", type=int, metavar="N", help="of a feed (10)")
    played.add_argument("--clicks", type=float, metavar="X", help="on a slate of popular items (0.5)")
    played.add_argument("--explored", type=float, metavar="SHARE", help="of slates shown in random order (0)")
    played.add_argument(
        "--entry", type=float, metavar="SHARE", help="of the time in which new users come (0)"
    )
    played.add_argument("--drift-at", type=int, metavar="VISIT", help="reverse half of the popularity there")
    played.add_argument("--drift-share", type=float, metavar="SHARE", help="reverse this share instead (0.5)")
    played.add_argument("--drift-degrees", type=float, metavar="X", help="turn tastes by so much (0)")
    played.add_argument("--hostile", type=float, metavar="SHARE", help="of all users")
    played.add_argument("--attack", choices=get_args(AttackKind), help="what hostile users do (flood)")
    played.add_argument("--attack-at", type=int, metavar="VISIT", help="when they begin (0)")
    played.add_argument("--effect", metavar="ARM=X", help="what an arm shows is worth X more")
    out = parser.add_argument_group("output")
    out.add_argument("--window", type=int, metavar="N", help="visits in a point of the plots (a fortieth)")
    out.add_argument(
        "--report", type=Path, metavar="FILE.html", help="write a page of plots that works offline"
    )
    out.add_argument("--json", type=Path, metavar="FILE", help="write all figures for programs")
    out.add_argument(
        "--events", type=Path, metavar="FOLDER", help="write the events of each world as JSON lines"
    )
    kinds = parser.add_subparsers(title="instead of the core", metavar="[experiments]", dest="what")
    simulate_experiments.add_arguments(
        kinds.add_parser(
            simulate_experiments.NAME,
            help=simulate_experiments.DOES,
            description=simulate_experiments.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
    )


def run(args: argparse.Namespace) -> int:
    if args.what == simulate_experiments.NAME:
        return simulate_experiments.run(args)
    # Imported here, so that --help and a wrong option answer at once.
    from rich.console import Console

    from streams.offline.replay.terminal import print_reading
    from streams.offline.simulation.play import simulate
    from streams.offline.simulation.preparation import SimulationOptions
    from streams.offline.simulation.scenario import read_scenario
    from streams.offline.simulation.summary import summarise
    from streams.offline.simulation.terminal import print_summary

    scenario = read_scenario(args.scenario, _over(args))
    if args.window is not None and args.window < 1:
        raise SettingsError(f"--window {args.window}: expected at least 1 visit")
    title = default_data(args)
    entrants = entrants_of(args)
    settings = entrants[0].settings
    options = SimulationOptions(args.warm, settings.seed, args.model, args.events)
    inputs = [*inputs_of(args), *args.settings, args.scenario]
    check_files({"--report": args.report, "--json": args.json}, inputs)
    check_folder("--events", args.events)
    check_plots({"--report": args.report})
    console = Console()
    dataset = dataset_from(args, settings).first(args.limit)
    print_reading(console, dataset.notes, dataset.bad)
    with interrupts() as stop:
        result = asyncio.run(simulate(dataset, entrants, scenario, options, progress_lines(), stop))
    summary = summarise(result, args.window)
    print_summary(console, summary)
    if args.json is not None:
        args.json.write_text(json.dumps(summary, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    if args.report is not None:
        from streams.offline.simulation.report import write_report

        write_report(args.report, title, summary)
        console.print(f"report: {args.report}", markup=False, highlight=False)
    return 0


def entrants_of(args: argparse.Namespace) -> list[Entrant]:
    """A world for each settings file and arm."""
    from streams.offline.simulation.preparation import Entrant

    if args.split and args.arm:
        raise SettingsError(
            "--split divides one world's users, --arm makes a world of each arm: leave one out"
        )
    found = []
    files = args.settings or [None]
    short = len({path.stem for path in args.settings}) == len(args.settings)
    for path in files:
        settings = graph_from(args, training_from(args, load(path)))
        base = DEFAULT_ARM if path is None else path.stem if short else str(path)
        if args.split:
            found.append(Entrant(base, settings, tuple(args.split.split(","))))
        for arm in args.arm or ([] if args.split else [DEFAULT_ARM]):
            name = base if not args.arm else arm if len(files) < 2 else f"{base}: {arm}"
            found.append(Entrant(name, settings, (arm,)))
    return found


def default_data(args: argparse.Namespace) -> str:
    """Have ml-100k where no data is named; the name of the data."""
    if args.interactions is not None:
        return Path(args.interactions).name
    from streams.local.datasets import ml_100k

    files = ml_100k()
    args.interactions = str(files.interactions)
    args.items = args.items or str(files.items)
    args.users = args.users or str(files.users)
    return ML_100K


def _over(args: argparse.Namespace) -> dict[str, Any]:
    """What the options say of the scenario."""
    named = ("visits", "places", "clicks", "explored", "entry")
    tree = _given({"users": args.population, **{name: getattr(args, name) for name in named}})
    tables = {
        "drift": {"at": args.drift_at, "reversed": args.drift_share, "turned": args.drift_degrees},
        "attack": {"share": args.hostile, "kind": args.attack, "begins": args.attack_at},
    }
    tree |= {name: given for name, table in tables.items() if (given := _given(table))}
    if args.effect is not None:
        arm, _, utility = args.effect.rpartition("=")
        tree["effect"] = {"arm": arm, "utility": utility}
    return tree


def _given(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


@contextmanager
def interrupts() -> Iterator[Callable[[], bool]]:
    """Whether Ctrl-C was pressed since this was first asked. Before that, and pressed again, it ends the
    process as usual.
    """
    asked = pressed = False

    def press(_signal: int, _frame: FrameType | None) -> None:
        nonlocal pressed
        if pressed or not asked:
            raise KeyboardInterrupt
        pressed = True

    def stop() -> bool:
        nonlocal asked
        asked = True
        return pressed

    before = signal.signal(signal.SIGINT, press)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
