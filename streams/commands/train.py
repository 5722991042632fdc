"""Train on a dataset, export, quantize, pass the parity gate and register: a model that workers can serve.

  headrace train --interactions ratings.csv --items movies.csv --registry var/models --name first
  headrace activate first
  headrace train --interactions ratings.csv --compare-fusion --compare-html fusion.html

The stream is replayed in time order through the core that serves; the examples are what it saw on the way.
A model that does not agree with its checkpoint is not registered. With --compare-..., networks that differ in
one setting are trained on the same examples and judged on the newest ones, and nothing is registered. Needs
the extra `train`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from export.registry import Registry
from model.errors import ModelError
from streams.commands.options import (
    add_dataset,
    add_settings,
    add_training,
    progress_bar,
    settings_from,
    training_from,
)
from streams.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_dataset(parser.add_argument_group("data"))
    run = parser.add_argument_group("run")
    run.add_argument("--name", help="the model's name in the registry")
    run.add_argument("--registry", type=Path, metavar="FOLDER", help="from the settings: model.registry")
    run.add_argument("--limit", type=int, metavar="N", help="only the first N events")
    add_training(run)
    side = parser.add_argument_group("side by side, instead of a model")
    which = side.add_mutually_exclusive_group()
    which.add_argument(
        "--compare-fusion", dest="compare", action="store_const", const="fusion", help="the kinds of fusion"
    )
    which.add_argument(
        "--compare-encoders", dest="compare", action="store_const", const="encoder", help="of the history"
    )
    side.add_argument("--compare-json", type=Path, metavar="FILE", help="all figures for programs")
    side.add_argument("--compare-html", type=Path, metavar="FILE", help="a plot")
    run.add_argument("--keep", type=Path, metavar="FOLDER", help="write checkpoint and examples here too")
    add_settings(run)


def run(args: argparse.Namespace) -> int:
    # Imported here, so that --help and a wrong option answer at once.
    from rich.console import Console

    from streams.fit import fit_model
    from streams.replay.dataset import DatasetSpec, load_dataset

    settings = training_from(args, settings_from(args))
    registry = Registry(args.registry or Path(settings.model.registry))
    if args.compare:
        return _compare(args, settings, registry)
    if not args.name:
        raise ModelError("expected --name NAME for the model (or --compare-..., which keeps none)")
    if registry.has(args.name):  # said now, not after the training
        raise ModelError(
            f"{registry.get(args.name)} is already there; a model never changes: choose another name"
        )
    console = Console()
    spec = DatasetSpec(
        args.interactions, args.items, args.users, ",".join(args.map), settings.seed, settings.graph
    )
    dataset = load_dataset(spec).first(args.limit)
    events = len(dataset.interactions)
    fitted = fit_model(dataset, settings, registry, args.name, events, progress_bar(), args.keep)
    parity, facts = fitted.manifest.parity, fitted.manifest.training
    console.print(f"registered {fitted.folder}", markup=False, highlight=False)
    console.print(f"trained on {facts['examples']} examples in {facts['seconds']} s", highlight=False)
    console.print(
        f"int8 against fp32 on {parity.examples} examples: top-10 agreement {parity.top10_agreement:.3f}, "
        f"NDCG@10 lost {parity.ndcg10_lost:.4f}",
        highlight=False,
    )
    half_lives = ", ".join(f"{each:.0f}" for each in fitted.settings.counters.half_lives_s)
    console.print(
        f"counters.half_lives_s = [{half_lives}]  (put this into the workers' settings)", markup=False
    )
    return 0


def _compare(args: argparse.Namespace, settings: Settings, registry: Registry) -> int:
    """Networks side by side."""
    from rich.console import Console

    from streams.comparison import compared, print_rows, variants, write_json, write_plot
    from streams.replay.dataset import DatasetSpec, load_dataset

    spec = DatasetSpec(args.interactions, args.items, args.users, ",".join(args.map), settings.seed)
    dataset = load_dataset(spec).first(args.limit)
    until = len(dataset.interactions)
    chosen = variants(args.compare, settings)
    rows = compared(dataset, settings, registry, until, chosen, progress_bar())
    print_rows(Console(), args.compare, rows)
    if args.compare_json is not None:
        facts = {"dataset": Path(args.interactions).name, "events": until, "seed": settings.seed}
        write_json(args.compare_json, args.compare, rows, facts)
    if args.compare_html is not None:
        write_plot(args.compare_html, args.compare, rows)
    return 0
