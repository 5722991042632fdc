"""What an arm that never ran would have been worth, from the events of arms that ran.

  headrace simulate --model none --settings explored.toml --events LOG
  headrace experiments whatif --settings explored.toml --events LOG/events-0.jsonl --arm bold.toml

The log's slates must have been drawn (exploration.share above 0), so that they show what else could have
been. The log is replayed on the same data as it was made on, under the same --settings, --warm, --seed and
--model. At each slate the arm is asked how likely it would have shown it. The arm's file is TOML, as under
[arms.NAME]: `model = "NAME"`, and tables [stages.SECTION]. What is estimated is the number of places of a
slate with a positive action. An estimate that would be a guess is refused; docs/experiments.md, "Off-policy
estimates".
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model.errors import SettingsError
from streams.commands.options import (
    add_dataset,
    add_settings,
    dataset_from,
    graph_from,
    inputs_of,
    progress_lines,
    settings_from,
)
from streams.commands.outputs import check_files
from streams.settings.reading import override

if TYPE_CHECKING:
    from rich.console import Console

    from streams.datasets.dataset import Dataset
    from streams.experiments.off_policy.slate_reading import SlateReading
    from streams.offline.simulation.preparation import SimulationOptions
    from streams.offline.whatif.replayed import Replayed
    from streams.settings.tree import Settings

REFUSED = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--arm", type=Path, required=True, metavar="FILE", help="the arm, as TOML")
    parser.add_argument("--events", type=Path, required=True, metavar="FILE", help="the log, as JSON lines")
    add_settings(parser)
    parser.add_argument(
        "--model", default="none", metavar="FOLDER", help='the model of the log; "none" for counters (none)'
    )
    parser.add_argument(
        "--warm", type=float, default=0.5, help="share of the data that the log's core began with (0.5)"
    )
    parser.add_argument("--seed", type=int, help="that of the log (7)")
    parser.add_argument("--places", type=int, metavar="N", help="only the first N places of each slate")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures for programs")
    data = parser.add_argument_group("data", "ml-100k where none is named")
    add_dataset(data, required=False)
    data.add_argument("--limit", type=int, metavar="N", help="only the first N events")


def run(args: argparse.Namespace) -> int:
    from rich.console import Console

    from streams.commands.simulate import default_data
    from streams.offline.replay.terminal import print_reading
    from streams.offline.simulation.preparation import SimulationOptions

    if args.places is not None and args.places < 1:
        raise SettingsError(f"--places {args.places}: expected 1 or more")
    default_data(args)
    settings = graph_from(args, settings_from(args))
    settings = settings if args.seed is None else override(settings, {"seed": args.seed})
    check_files({"--json": args.json}, [*inputs_of(args), args.settings, args.events, args.arm])
    options = SimulationOptions(args.warm, settings.seed, args.model)
    console = Console()
    dataset = dataset_from(args, settings).first(args.limit)
    print_reading(console, dataset.notes, dataset.bad)
    return whatif(console, dataset, settings, options, args.events, args.arm, args.places, args.json)


def whatif(
    console: Console,
    dataset: Dataset,
    settings: Settings,
    options: SimulationOptions,
    events: Path,
    arm: Path,
    places: int | None,
    out: Path | None,
) -> int:
    """Replay, estimate and print; 2 where no estimate may be read."""
    from streams.experiments.off_policy.slate_reading import read_slates
    from streams.offline.whatif.arm_file import with_arm
    from streams.offline.whatif.replayed import replayed

    extended = with_arm(settings, arm)
    told = asyncio.run(replayed(dataset, events, extended, options, progress_lines()))
    rows = told.rows if places is None else told.rows.first(places)
    found = read_slates(rows)
    _print(console, told, found, rows.reward.shape[1])
    if out is not None:
        out.write_text(json.dumps(_tree(told, found), indent=2) + "\n", encoding="utf-8")
    if found.best is None:
        print(f"no estimate may be read: {found.estimates[0].refused}", file=sys.stderr)
        return REFUSED
    return 0


def _print(console: Console, told: Replayed, found: SlateReading, places: int) -> None:
    from rich.table import Table

    from streams.offline.whatif.asked import AskedArm

    for note in told.notes:
        console.print(f"· {note}", style="dim", markup=False, highlight=False, soft_wrap=True)
    counts = ", ".join(f"{told.counts.get(name, 0):,} {name}" for name in AskedArm.OUTCOMES)
    console.print(f"impressions: {counts}", markup=False, highlight=False, soft_wrap=True)
    logged = found.logged
    console.print(
        f"as it ran: {logged.value:.4f} answered places a slate ({logged.low:.4f} to {logged.high:.4f}),"
        f" the first {places} places of {len(told.rows.users):,} slates of {logged.users:,} users",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    table = Table(title="If the arm had chosen these slates (95% intervals)")
    for column in ("", "a slate", "more than as it ran", "effective", "mean weight", "largest"):
        table.add_column(column, justify="left" if not column else "right")
    for each in found.estimates:
        weights = each.weights
        values = ["refused", "–"]
        if each.value is not None and each.more is not None:
            values = [
                f"{each.value.value:.4f} ({each.value.low:.4f} to {each.value.high:.4f})",
                f"{each.more.value:+.4f} ({each.more.low:+.4f} to {each.more.high:+.4f})",
            ]
        told_weights = [f"{weights.effective:,.0f}", f"{weights.mean:.3f}", f"{weights.largest:.1f}"]
        table.add_row(each.name, *values, *told_weights)
    console.print(table)
    for why in dict.fromkeys(f"{each.name}: {each.refused}" for each in found.estimates if each.refused):
        console.print(why, style="yellow", markup=False, highlight=False, soft_wrap=True)
    if (best := found.best) is not None:
        console.print(
            f"go by {best.name}, which assumes that {best.assumes}", highlight=False, soft_wrap=True
        )


def _tree(told: Replayed, found: SlateReading) -> dict[str, Any]:
    return {
        "impressions": dict(told.counts),
        "logged": found.logged._asdict(),
        "go_by": None if found.best is None else found.best.name,
        "estimates": [
            {
                "name": each.name,
                "assumes": each.assumes,
                "refused": each.refused or None,
                "worst_place": each.place,
                "weights": each.weights._asdict(),
                "value": None if each.value is None else each.value._asdict(),
                "more": None if each.more is None else each.more._asdict(),
            }
            for each in found.estimates
        ],
    }
