"""Replay a dataset through the recommender that serves: each event is first predicted, then learned.

  headrace replay --interactions ratings.csv --items movies.csv
  headrace replay --interactions reviews.json.gz --map user=reviewerID,item=asin,ts=unixReviewTime
  headrace replay --interactions u.data --map user=1,item=2,rating=3,ts=4
  headrace replay --impressions --interactions behaviors.tsv --map user=2,ts=3,impressions=5

Files are CSV, TSV, ::-separated, JSON, Parquet, Feather or ORC, plain, compressed, in a zip or a tar, or a
folder of parts; docs/data.md has the rules. Without --map, columns are found by common names, and the output
says which, and how each file was read.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streams.commands.options import (
    add_dataset,
    add_settings,
    add_training,
    dataset_from,
    graph_from,
    inputs_of,
    progress_bar,
    settings_from,
    training_from,
)
from streams.commands.outputs import check_files, check_plots
from streams.settings.tree import DEFAULT_ARM, Settings

if TYPE_CHECKING:
    from rich.console import Console

    from streams.datasets.dataset import Dataset
    from streams.offline.replay.options import ReplayOptions


def add_arguments(parser: argparse.ArgumentParser) -> None:
    data = parser.add_argument_group("data")
    add_dataset(data)
    data.add_argument("--bad-rows", type=Path, metavar="FILE", help="write every row that could not be read")
    run = parser.add_argument_group("run")
    run.add_argument("--warm", type=float, default=0.5, help="share of events that warm and train (0.5)")
    run.add_argument("--limit", type=int, metavar="N", help="only the first N events")
    run.add_argument(
        "--model",
        metavar="FOLDER",
        help='an exported model; "none" for counters alone (trains one by default)',
    )
    add_training(run)
    run.add_argument(
        "--renew-every",
        type=int,
        metavar="N",
        help="go on training after every N predicted events (by default the model stays as it is)",
    )
    run.add_argument(
        "--arm",
        default=DEFAULT_ARM,
        metavar="NAME",
        help="make slates as this arm of the settings does, with the model that it names",
    )
    run.add_argument(
        "--impressions",
        action="store_true",
        help="rank the lists that users were shown (--map impressions=COLUMN), by several systems",
    )
    run.add_argument(
        "--plant-drift",
        action="store_true",
        help="with --impressions: reverse every list of the second part, to see what recovers",
    )
    run.add_argument(
        "--offered",
        type=int,
        default=0,
        metavar="N",
        help="as if the first N places of each slate had been shown, and looked at alike: what learns from "
        "answers learns (0)",
    )
    run.add_argument(
        "--requests",
        type=Path,
        metavar="FILE",
        help="answer requests to a gateway on the way, each after so many events (JSON lines, docs/api.md)",
    )
    run.add_argument("--fp32", action="store_true", help="rank with the unquantized model too, side by side")
    add_settings(run)
    out = parser.add_argument_group("output")
    out.add_argument(
        "--report", type=Path, metavar="FILE.html", help="write a page of plots that works offline"
    )
    out.add_argument("--json", type=Path, metavar="FILE", help="write all figures for programs")
    out.add_argument("--slates", type=Path, metavar="FILE", help="write every slate as JSON lines")
    out.add_argument(
        "--answers", type=Path, metavar="FILE", help="write the answers to --requests as JSON lines"
    )


def run(args: argparse.Namespace) -> int:
    # Imported here, so that --help and a wrong option answer at once.
    from rich.console import Console

    from export.registry import Registry
    from streams.offline.replay.asked import read_requests
    from streams.offline.replay.options import ReplayOptions
    from streams.recommender import check_plans

    settings = graph_from(args, training_from(args, settings_from(args)))
    settings.stages_of(args.arm)
    check_plans(settings)  # an arm that can't be is refused before anything is read
    model = args.model
    if (named := settings.model_of(args.arm)) and model is None:
        model = str(Registry(Path(settings.model.registry)).get(named))
    options = ReplayOptions(
        args.warm, settings.seed, model, args.limit, args.slates, args.fp32, args.renew_every, args.arm,
        args.impressions, args.plant_drift, args.offered,
        () if args.requests is None else tuple(read_requests(args.requests, settings)), args.answers,
    )  # fmt: skip
    check_files(
        {
            "--report": args.report,
            "--json": args.json,
            "--slates": args.slates,
            "--answers": args.answers,
            "--bad-rows": args.bad_rows,
        },
        inputs_of(args),
    )
    check_plots({"--report": args.report})
    console = Console()
    dataset = dataset_from(args, settings)
    if args.bad_rows is not None:
        dataset.bad.write(args.bad_rows)
    ranked = _lists if args.impressions else _next_items
    summary, write_report = ranked(args, options, settings, dataset, console)
    if args.json is not None:
        args.json.write_text(json.dumps(summary, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    if args.report is not None:
        write_report()
        console.print(f"report: {args.report}", markup=False, highlight=False)
    return 0


Outcome = tuple[dict[str, Any], Callable[[], None]]
"""The summary, and what writes the report."""


def _next_items(
    args: argparse.Namespace, options: ReplayOptions, settings: Settings, dataset: Dataset, console: Console
) -> Outcome:
    """The replay of a stream: the next item among all."""
    from streams.offline.replay.prequential import replay
    from streams.offline.replay.report import write_report
    from streams.offline.replay.summary import summarise
    from streams.offline.replay.terminal import print_summary

    result = replay(dataset, options, settings, progress_bar())
    summary = summarise(dataset, options, result)
    print_summary(console, summary, dataset.bad)
    title = Path(args.interactions).name
    return summary, partial(write_report, args.report, title, summary, result.predictions, dataset.bad)


def _lists(
    args: argparse.Namespace, options: ReplayOptions, settings: Settings, dataset: Dataset, console: Console
) -> Outcome:
    """The replay of shown lists."""
    from streams.offline.replay.impressions.list_report import write_list_report
    from streams.offline.replay.impressions.list_summary import summarise_lists
    from streams.offline.replay.impressions.list_tables import print_lists
    from streams.offline.replay.impressions.replay_lists import replay_lists

    result = replay_lists(dataset, options, settings, progress_bar())
    summary = summarise_lists(dataset, options, result)
    print_lists(console, summary, dataset.bad)
    title = Path(args.interactions).name
    return summary, partial(write_list_report, args.report, title, summary, result, dataset.bad)
