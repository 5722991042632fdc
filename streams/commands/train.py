"""Train on a dataset, export, quantize, pass the parity gate and register: a model that workers can serve.

  headrace train --interactions ratings.csv --items movies.csv --registry var/models --name first
  headrace activate first

The stream is replayed in time order through the core that serves; the examples are what it saw on the way. A
model that does not agree with its checkpoint is not registered. Needs the extra `train`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from model.errors import ModelError, SettingsError
from streams.commands.options import (
    add_dataset,
    add_settings,
    add_training,
    progress_bar,
    settings_from,
    training_from,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_dataset(parser.add_argument_group("data"))
    run = parser.add_argument_group("run")
    run.add_argument("--name", required=True, help="the model's name in the registry")
    run.add_argument("--registry", type=Path, metavar="FOLDER", help="from the settings: model.registry")
    add_training(run)
    run.add_argument("--limit", type=int, metavar="N", help="only the first N events")
    run.add_argument("--keep", type=Path, metavar="FOLDER", help="write checkpoint and examples here too")
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
    if args.limit is not None and args.limit < 2:
        raise SettingsError(f"--limit {args.limit}: expected at least 2 events")
    console = Console()
    spec = DatasetSpec(args.interactions, args.items, args.users, ",".join(args.map), settings.seed)
    dataset = load_dataset(spec)
    events = len(dataset.interactions) if args.limit is None else min(args.limit, len(dataset.interactions))
    fitted = fit_model(dataset, settings, registry, args.name, events, progress_bar(), args.keep)
    parity, facts = fitted.manifest.parity, fitted.manifest.training
    console.print(f"registered {fitted.folder}", markup=False, highlight=False)
    console.print(f"trained on {facts['examples']} examples in {facts['seconds']} s", highlight=False)
    console.print(
        f"{fitted.manifest.precision} against fp32 on {parity.examples} examples: top-10 agreement "
        f"{parity.top10_agreement:.3f}, NDCG@10 lost {parity.ndcg10_lost:.4f}",
        highlight=False,
    )
    half_lives = ", ".join(f"{each:.0f}" for each in fitted.settings.counters.half_lives_s)
    console.print(
        f"counters.half_lives_s = [{half_lives}]  (put this into the workers' settings)", markup=False
    )
    return 0
