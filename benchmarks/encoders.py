"""A benchmark that measures several text encoders on one dataset: its arguments, its lines and its report."""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.machine import made
from export.registry import Registry
from streams.commands.options import add_dataset, dataset_from
from streams.datasets.dataset import Dataset
from streams.settings.tree import Settings

Measure = Callable[[Registry, str, Dataset], dict[str, Any]]


def compare_encoders(
    name: str, description: str, encoders: str, packages: Sequence[str], measure: Measure
) -> None:
    """Print a line for each encoder and, with `--json`, write the same for programs.

    name: the benchmark's module. encoders: those that are taken where none are named, comma-separated.
    """
    parser = argparse.ArgumentParser(description=description)
    add_dataset(parser)
    parser.add_argument("--encoders", default=encoders, help="comma-separated")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    dataset = dataset_from(arguments, Settings())
    command = f"python -m benchmarks.{name} --interactions FILE --encoders {arguments.encoders}"
    report: dict[str, Any] = made(command, packages)
    with tempfile.TemporaryDirectory() as folder:
        for encoder in arguments.encoders.split(","):
            report[encoder] = measure(Registry(Path(folder)), encoder, dataset)
            print(encoder, report[encoder])
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(report, indent=2) + "\n")
