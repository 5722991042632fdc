"""`headrace train --compare-...`: networks side by side."""

from __future__ import annotations

import argparse
import os
import platform
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from export.manifest import versions_of
from export.registry import Registry
from model.errors import SettingsError
from streams.commands.options import dataset_from, progress_bar, say_how_read
from streams.offline.training.comparison import compared, print_rows, variants, write_json, write_plot
from streams.settings.tree import Settings

PACKAGES = ("headrace", "numpy", "torch")


def run(args: argparse.Namespace, settings: Settings, registry: Registry, console: Console) -> int:
    """Train each network on the same examples; print a table, and write the files that the options name."""
    if args.interactions is None:
        raise SettingsError("nothing to compare on: pass --interactions")
    dataset = dataset_from(args, settings).first(args.limit)
    say_how_read(dataset, console)
    until = len(dataset.interactions)
    rows = compared(dataset, settings, registry, until, variants(args.compare, settings), progress_bar())
    print_rows(console, args.compare, rows)
    if args.compare_json is not None:
        facts = {
            "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            "cores": os.cpu_count(),
            "versions": {"python": platform.python_version(), **versions_of(PACKAGES)},
            "dataset": Path(args.interactions).name,
            "events": until,
            "seed": settings.seed,
        }
        write_json(args.compare_json, args.compare, rows, facts)
    if args.compare_html is not None:
        write_plot(args.compare_html, args.compare, rows)
    return 0
