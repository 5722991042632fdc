"""`headrace train --compare-...`: networks side by side."""

from __future__ import annotations

import argparse
from pathlib import Path

import msgspec
from rich.console import Console

from export.registry import Registry
from model.errors import SettingsError
from streams.bench.machine import this_machine
from streams.commands.options import dataset_from, progress_bar
from streams.comparison import compared, print_rows, variants, write_json, write_plot
from streams.settings import Settings


def run(args: argparse.Namespace, settings: Settings, registry: Registry, console: Console) -> int:
    """Train each on the same examples; a table, and what else was asked for."""
    if args.interactions is None:
        raise SettingsError("nothing to compare on: pass --interactions")
    dataset = dataset_from(args, settings)
    until = len(dataset.interactions)
    rows = compared(dataset, settings, registry, until, variants(args.compare, settings), progress_bar())
    print_rows(console, args.compare, rows)
    if args.compare_json is not None:
        facts = {
            "machine": msgspec.to_builtins(this_machine()),
            "dataset": Path(args.interactions).name,
            "events": until,
            "seed": settings.seed,
        }
        write_json(args.compare_json, args.compare, rows, facts)
    if args.compare_html is not None:
        write_plot(args.compare_html, args.compare, rows)
    return 0
