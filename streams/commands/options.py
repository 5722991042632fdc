"""Options that several commands share."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streams.settings import Settings, load

if TYPE_CHECKING:
    from streams.replay.options import Progress


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


def add_dataset(parser: argparse._ActionsContainer) -> None:
    """The files of a dataset and their columns."""
    parser.add_argument("--interactions", required=True, metavar="FILE", help="who met which item, when")
    parser.add_argument(
        "--items", metavar="FILE", help="titles, texts, categories; FILE.zip:MEMBER for one of many"
    )
    parser.add_argument("--users", metavar="FILE", help="profile fields")
    parser.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="FIELD=COLUMN,...",
        help="user, item, ts, rating, text, title, action, categories, tags, price; items.FIELD or "
        "users.FIELD for one file; a number where there is no header; a+b joins columns",
    )


def progress_bar() -> Progress:
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
