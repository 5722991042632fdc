"""Options that several commands share."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from model.schema import EncoderKind, FusionKind
from streams.settings.reading import load, override
from streams.settings.tree import Settings

if TYPE_CHECKING:
    from rich.console import Console

    from streams.datasets.columns.cell_rules import CellRules
    from streams.datasets.dataset import Dataset
    from streams.offline.replay.options import Progress


def add_settings(parser: argparse._ActionsContainer) -> None:
    """`--settings FILE`."""
    parser.add_argument(
        "--settings",
        type=Path,
        metavar="FILE",
        help="settings as TOML; HEADRACE_SECTION__NAME variables override it",
    )


def settings_from(args: argparse.Namespace) -> Settings:
    """The settings of `--settings` and the environment; raises `SettingsError`."""
    return load(args.settings)


def add_training(parser: argparse._ActionsContainer) -> None:
    """The options that users change most often; `model.training` of the settings holds the rest."""
    parser.add_argument("--epochs", type=int, metavar="N", help="passes over the examples (8)")
    parser.add_argument("--fusion", choices=get_args(FusionKind), help="how the views become one (attention)")
    parser.add_argument("--encoder", choices=get_args(EncoderKind), help="of the history (ligr)")
    parser.add_argument("--device", metavar="NAME", help="torch's name of it: cpu, cuda (cpu)")
    parser.add_argument("--seed", type=int, help="seeds all that draws at random (7)")


def training_from(args: argparse.Namespace, settings: Settings) -> Settings:
    """The settings with the options of `add_training`; raises `SettingsError`."""
    training = {"epochs": args.epochs, "device": args.device, "seed": args.seed}
    network = {"fusion": args.fusion, "encoder": args.encoder}
    tree = {
        "model": {"training": _given(training), "network": _given(network)},
        **_given({"seed": args.seed}),
    }
    return override(settings, tree)


def graph_from(args: argparse.Namespace, settings: Settings) -> Settings:
    """The settings with the knowledge graph of `add_dataset`'s options."""
    return override(settings, {"graph": _given({"triples": args.graph, "links": args.links})})


def _given(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def add_dataset(parser: argparse._ActionsContainer, required: bool = True) -> None:
    """The files of a dataset and their columns."""
    parser.add_argument("--interactions", required=required, metavar="FILE", help="who met which item, when")
    parser.add_argument(
        "--items", metavar="FILE", help="titles, texts, categories; FILE.zip:MEMBER for one of many"
    )
    parser.add_argument("--users", metavar="FILE", help="profile fields")
    parser.add_argument(
        "--graph", metavar="FILE", help="knowledge graph: triples of head, relation, tail (graph.triples)"
    )
    parser.add_argument(
        "--links", metavar="FILE", help="the item that each entity of the graph is (graph.links)"
    )
    parser.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="FIELD=COLUMN,...",
        help="user, item, ts, rating, text, title, action, query, impressions, clicked, slate, categories, "
        "tags, price; items.FIELD or users.FIELD for one file; shown.NAME for a number of each shown item; a "
        "number if there is no header; a+b joins columns; FIELD= leaves it out",
    )
    add_reading(parser)
    add_cells(parser)


def add_reading(parser: argparse._ActionsContainer) -> None:
    """How to read files, if their content shall not decide; see docs/data.md."""
    for name, metavar, does in (
        ("quotes", "HOW", "auto, standard, none, or backslash (auto)"),
        ("encoding", "NAME", "utf-8, cp1252, gb18030, ... (auto)"),
        ("separator", "CHARS", "tab, comma, semicolon, bar, colons, spaces, or the characters (auto)"),
        ("comments", "CHARS", "what a comment line begins with, or none (auto)"),
    ):
        parser.add_argument(
            f"--{name}",
            action="append",
            default=[],
            metavar=metavar,
            help=f"{does}; KIND={metavar} for one file, as in --{name} items={metavar}",
        )


def inputs_of(args: argparse.Namespace) -> list[str]:
    """The files in `add_dataset`'s options; for a member, its archive."""
    from streams.datasets.files.files import place_of

    named = (args.interactions, args.items, args.users, args.graph, args.links)
    return [str(place_of(name)[0]) for name in named if name is not None]


def add_cells(parser: argparse._ActionsContainer) -> None:
    """How to read ambiguous cells (docs/data.md, "Cells"); the notes name each choice."""
    parser.add_argument(
        "--times",
        metavar="FORMAT",
        help="seconds, milliseconds, microseconds, nanoseconds, excel, day-first, month-first, or as in "
        "'%%d.%%m.%%Y %%H:%%M' (from the data)",
    )
    parser.add_argument(
        "--missing",
        metavar="TEXT,...",
        help="the spellings of a missing id or text, instead of NA, NULL, nan, None and the like; "
        "'' for empty cells alone; +0 adds 0 to the usual ones",
    )
    parser.add_argument(
        "--ids", help="auto: 103.0 and b'103' are 103; exact: as they stand; numeric: 007 is 7 too (auto)"
    )
    parser.add_argument(
        "--lists", help="several ids in a cell: auto, spread (each is an event) or keep (one id) (auto)"
    )
    parser.add_argument(
        "--unrated",
        metavar="N,...",
        help="ratings that mean no rating, as in --unrated=-1,0; or none (from the data)",
    )
    parser.add_argument("--scale", metavar="LOW..HIGH", help="of the ratings (from the data)")
    parser.add_argument("--decimal", help="the decimal mark of prices: auto, point or comma (auto)")
    parser.add_argument(
        "--actions",
        action="append",
        metavar="WORD=ACTION",
        help="the action that a word of the action column stands for, as in 'clickout=click'; WORD= leaves "
        "its rows out (by usual words)",
    )
    parser.add_argument(
        "--name-separator", metavar="TEXT", help="what separates categories and tags (from the data)"
    )


def cells_from(args: argparse.Namespace) -> CellRules:
    """The rules in `add_cells`'s options; raises `SettingsError`."""
    from streams.datasets.columns.cell_rules import (
        CellRules,
        parse_actions,
        parse_missing,
        parse_scale,
        parse_unrated,
    )

    given = {
        "times": args.times,
        "missing": None if args.missing is None else parse_missing(args.missing),
        "ids": args.ids,
        "lists": args.lists,
        "scale": None if args.scale is None else parse_scale(args.scale),
        "unrated": None if args.unrated is None else parse_unrated(args.unrated),
        "decimal": args.decimal,
        "separator": args.name_separator,
        "actions": None if args.actions is None else parse_actions(args.actions),
    }
    return CellRules(**_given(given))


def progress_lines(every_s: float = 30.0) -> Progress:
    """A bar on a terminal; otherwise a line every `every_s` seconds."""
    if sys.stderr.isatty():
        return progress_bar()
    said_s = time.monotonic()

    def show(stage: str, done: int, total: int) -> None:
        nonlocal said_s
        if time.monotonic() - said_s >= every_s:
            said_s = time.monotonic()
            print(f"{stage}: {done:,} of {total:,}", file=sys.stderr, flush=True)

    return show


def progress_bar() -> Progress:
    """A bar on a terminal; otherwise nothing."""
    from streams.offline.replay.options import silent

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


def dataset_from(args: argparse.Namespace, settings: Settings) -> Dataset:
    """The dataset of `add_dataset`'s options; raises `DataError`."""
    from streams.datasets.dataset import DatasetSpec, load_dataset
    from streams.datasets.files.reading import parse_readings

    columns = ",".join(args.map)
    reading = parse_readings(args.quotes, args.encoding, args.separator, args.comments)
    spec = DatasetSpec(
        *(args.interactions, args.items, args.users, columns, settings.seed, settings.graph),
        reading=reading,
        cells=cells_from(args),
    )
    return load_dataset(spec)


def say_how_read(dataset: Dataset, console: Console) -> None:
    """Print the notes on a dataset: what the reader assumed, and what it left out."""
    from streams.offline.replay.terminal import print_reading

    print_reading(console, dataset.notes, dataset.bad)
