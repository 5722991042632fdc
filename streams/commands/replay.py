"""Replay a dataset through the recommender that serves: each event is first predicted, then learned.

  headrace replay --interactions ratings.csv --items movies.csv
  headrace replay --interactions reviews.json.gz --map user=reviewerID,item=asin,ts=unixReviewTime
  headrace replay --interactions u.data --map user=1,item=2,rating=3,ts=4

Files are CSV, TSV, ::-separated, JSON lines or Parquet, plain or compressed (gzip, bzip2, xz, zip).
Without --map, columns are found by common names, and the output says which.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model.errors import DataError
from streams.commands.options import add_settings, settings_from

if TYPE_CHECKING:
    from streams.replay.options import Progress


def add_arguments(parser: argparse.ArgumentParser) -> None:
    data = parser.add_argument_group("data")
    data.add_argument("--interactions", required=True, metavar="FILE", help="who met which item, when")
    data.add_argument(
        "--items", metavar="FILE", help="titles, texts, categories; FILE.zip:MEMBER for one of many"
    )
    data.add_argument("--users", metavar="FILE", help="profile fields")
    data.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="FIELD=COLUMN,...",
        help="user, item, ts, rating, text, title, action, categories, tags, price; items.FIELD or "
        "users.FIELD for one file; a number where there is no header; a+b joins columns",
    )
    data.add_argument("--bad-rows", type=Path, metavar="FILE", help="write every row that could not be read")
    run = parser.add_argument_group("run")
    run.add_argument("--warm", type=float, default=0.5, help="share of events that warm and train (0.5)")
    run.add_argument("--seed", type=int, help="breaks ties in time and seeds training (from the settings: 7)")
    run.add_argument("--limit", type=int, metavar="N", help="only the first N events")
    run.add_argument(
        "--model",
        metavar="FOLDER",
        help='an exported model; "none" for counters alone (trains one by default)',
    )
    run.add_argument("--epochs", type=int, default=8, help="passes over the training examples (8)")
    run.add_argument("--fp32", action="store_true", help="rank with the unquantized model too, side by side")
    add_settings(run)
    out = parser.add_argument_group("output")
    out.add_argument(
        "--report", type=Path, metavar="FILE.html", help="write a page of plots that works offline"
    )
    out.add_argument("--json", type=Path, metavar="FILE", help="write all figures for programs")
    out.add_argument("--slates", type=Path, metavar="FILE", help="write every slate as JSON lines")


def run(args: argparse.Namespace) -> int:
    # Imported here, so that --help and a wrong option answer at once.
    from rich.console import Console

    from streams.replay.dataset import DatasetSpec, load_dataset
    from streams.replay.options import ReplayOptions
    from streams.replay.prequential import replay
    from streams.replay.summary import summarise
    from streams.replay.terminal import print_summary

    settings = settings_from(args)
    seed = settings.seed if args.seed is None else args.seed
    options = ReplayOptions(args.warm, seed, args.model, args.limit, args.slates, args.epochs, args.fp32)
    for path in (args.report, args.json, args.slates, args.bad_rows):
        _check_writable(path)
    console = Console()
    dataset = load_dataset(DatasetSpec(args.interactions, args.items, args.users, ",".join(args.map), seed))
    if args.bad_rows is not None:
        dataset.bad.write(args.bad_rows)
    result = replay(dataset, options, settings, _progress())
    summary = summarise(dataset, options, result)
    print_summary(console, summary, dataset.bad)
    if args.json is not None:
        args.json.write_text(json.dumps(summary, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    if args.report is not None:
        from streams.replay.report import write_report

        write_report(args.report, Path(args.interactions).name, summary, result.outcomes, dataset.bad)
        console.print(f"report: {args.report}", markup=False, highlight=False)
    return 0


def _check_writable(path: Path | None) -> None:
    """A long run must not end in a file that can't be written."""
    if path is not None and not path.parent.is_dir():
        raise DataError(f"{path}: the folder {path.parent} does not exist; make it first")


def _progress() -> Progress:
    """A bar on a terminal; nothing where the output is kept."""
    from streams.replay.options import silent

    if not sys.stderr.isatty():
        return silent
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns: tuple[Any, ...] = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    tasks: dict[str, Any] = {}

    def show(stage: str, done: int, total: int) -> None:
        bar.start()
        if stage not in tasks:
            tasks[stage] = bar.add_task(stage, total=total)
        bar.update(tasks[stage], completed=done, total=total)
        if all(task.finished for task in bar.tasks):
            bar.stop()

    return show
