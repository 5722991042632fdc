"""Train on a dataset, export, quantize, pass the parity gate and register: a model that workers can serve.

  headrace train --interactions ratings.csv --items movies.csv --registry var/models --name first
  headrace activate first

The stream is replayed in time order through the core that serves; the examples are what it saw on the way. A
model that does not agree with its checkpoint is not registered. Needs the extra `train`.
"""

from __future__ import annotations

import argparse
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model.errors import ModelError
from streams.commands.options import (
    add_dataset,
    add_settings,
    add_training,
    check_writable,
    progress_bar,
    settings_from,
    training_from,
)

if TYPE_CHECKING:
    from streams.fit import Fitted, Trained
    from streams.replay.dataset import Dataset

PACKAGES = ("headrace", "numpy", "onnxruntime", "torch")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_dataset(parser.add_argument_group("data"))
    run = parser.add_argument_group("run")
    run.add_argument("--name", required=True, help="the model's name in the registry")
    run.add_argument("--registry", type=Path, metavar="FOLDER", help="from the settings: model.registry")
    add_training(run)
    run.add_argument("--keep", type=Path, metavar="FOLDER", help="write checkpoint and examples here too")
    run.add_argument(
        "--report",
        type=Path,
        metavar="FILE.html",
        help="write a page on how it went: curves, calibration, segments, gaps, explanations; works offline",
    )
    add_settings(run)


def run(args: argparse.Namespace) -> int:
    # Imported here, so that --help and a wrong option answer at once.
    from rich.console import Console

    from export.registry import Registry
    from streams.fit import fit_model
    from streams.replay.dataset import DatasetSpec, load_dataset

    settings = training_from(args, settings_from(args))
    registry = Registry(args.registry or Path(settings.model.registry))
    if registry.has(args.name):  # said now, not after the training
        raise ModelError(
            f"{registry.get(args.name)} is already there; a model never changes: choose another name"
        )
    check_writable(args.report)
    console = Console()
    spec = DatasetSpec(args.interactions, args.items, args.users, ",".join(args.map), settings.seed)
    dataset = load_dataset(spec)
    events = len(dataset.interactions)
    trained: list[Trained] = []
    look = None if args.report is None else trained.append
    fitted = fit_model(dataset, settings, registry, args.name, events, progress_bar(), args.keep, look)
    parity, facts = fitted.manifest.parity, fitted.manifest.training
    console.print(f"registered {fitted.folder}", markup=False, highlight=False)
    console.print(f"trained on {facts['examples']} examples in {facts['seconds']} s", highlight=False)
    console.print(
        f"int8 against fp32 on {parity.examples} examples: top-10 agreement {parity.top10_agreement:.3f}, "
        f"NDCG@10 lost {parity.ndcg10_lost:.4f}",
        highlight=False,
    )
    half_lives = ", ".join(f"{each:.0f}" for each in fitted.settings.counters.half_lives_s)
    for each in trained:
        _report(args, dataset, fitted, each)
        console.print(f"report: {args.report}", markup=False, highlight=False)
    console.print(
        f"counters.half_lives_s = [{half_lives}]  (put this into the workers' settings)", markup=False
    )
    return 0


def _report(args: argparse.Namespace, dataset: Dataset, fitted: Fitted, trained: Trained) -> None:
    """Look into what was trained, and write the page."""
    from export.manifest import versions_of
    from streams.reports.training import write_training_report
    from streams.reports.training_findings import look

    core = fitted.run.recommender
    titles = {item_id: item.title for item_id, item in dataset.items.items()}
    popularity = core.counters.popularity.events[: len(core.catalog)]
    findings = look(trained, core.catalog.rows, popularity, dataset.users, titles, fitted.settings.seed)
    manifest = fitted.manifest
    facts: dict[str, Any] = {
        "model": manifest.name,
        "events": len(dataset.interactions),
        **manifest.training,
        "parity": {name: getattr(manifest.parity, name) for name in manifest.parity.__struct_fields__},
        "versions": {"python": platform.python_version(), **versions_of(PACKAGES)},
    }
    write_training_report(args.report, Path(args.interactions).name, findings, facts)
