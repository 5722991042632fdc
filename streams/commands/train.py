"""Train on a dataset, export, quantize, pass the parity gate and register: a model that workers can serve.

  headrace train --interactions ratings.csv --items movies.csv --registry var/models --name first
  headrace activate first
  headrace train --examples var/examples --resume var/training --name second

The stream is replayed in time order through the core that serves; the examples are what it saw on the way. A
model that does not agree with its checkpoint is not registered. With --examples the shards of `headrace
examples` take the dataset's place: only a window of them is in memory, and under `torchrun` several processes
train together. Needs the extra `train`.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from model.errors import ModelError, SettingsError
from streams.commands.options import (
    add_dataset,
    add_settings,
    add_training,
    progress_bar,
    settings_from,
    training_from,
)

if TYPE_CHECKING:
    from rich.console import Console

    from export.manifest import Manifest
    from export.registry import Registry
    from streams.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    data = parser.add_argument_group("data")
    add_dataset(data, required=False)
    data.add_argument("--examples", type=Path, metavar="FOLDER", help="shards of examples; no --interactions")
    run = parser.add_argument_group("run")
    run.add_argument("--name", required=True, help="the model's name in the registry")
    run.add_argument("--registry", type=Path, metavar="FOLDER", help="from the settings: model.registry")
    add_training(run)
    run.add_argument("--keep", type=Path, metavar="FOLDER", help="write checkpoint and examples here too")
    run.add_argument(
        "--resume",
        type=Path,
        metavar="FOLDER",
        help="keep the training's state here; go on from what is there",
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
    console = Console()
    if args.interactions is None:
        return _from_shards(args, settings, registry, console)
    if args.examples is not None or "WORLD_SIZE" in os.environ:
        raise SettingsError("--examples, and torchrun, go without --interactions: see `headrace examples`")
    spec = DatasetSpec(args.interactions, args.items, args.users, ",".join(args.map), settings.seed)
    dataset = load_dataset(spec)
    events = len(dataset.interactions)
    fitted = fit_model(dataset, settings, registry, args.name, events, progress_bar(), args.keep, args.resume)
    _say(fitted.manifest, fitted.folder, console)
    half_lives = ", ".join(f"{each:.0f}" for each in fitted.settings.counters.half_lives_s)
    console.print(
        f"counters.half_lives_s = [{half_lives}]  (put this into the workers' settings)", markup=False
    )
    return 0


def _from_shards(args: argparse.Namespace, settings: Settings, registry: Registry, console: Console) -> int:
    from streams.fit_shards import fit_shards

    if args.examples is None:
        raise SettingsError("nothing to learn from: pass --interactions or --examples")
    manifest = fit_shards(
        args.examples, settings, registry, args.name, progress_bar(), args.resume, args.keep
    )
    if manifest is not None:
        _say(manifest, registry.get(args.name), console)
    return 0


def _say(manifest: Manifest, folder: Path, console: Console) -> None:
    parity, facts = manifest.parity, manifest.training
    console.print(f"registered {folder}", markup=False, highlight=False)
    console.print(f"trained on {facts['examples']} examples in {facts['seconds']} s", highlight=False)
    console.print(
        f"int8 against fp32 on {parity.examples} examples: top-10 agreement {parity.top10_agreement:.3f}, "
        f"NDCG@10 lost {parity.ndcg10_lost:.4f}",
        highlight=False,
    )
