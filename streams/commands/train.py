"""Train on a dataset, export, quantize, pass the parity gate and register: a model that workers can serve.

  headrace train --interactions ratings.csv --items movies.csv --registry var/models --name first
  headrace activate first
  headrace train --continue --examples var/examples --from first --name second
  headrace train --interactions ratings.csv --compare-fusion --compare-html fusion.html

The stream is replayed in time order through the core that serves; the examples are what it saw on the way.
A model that does not agree with its checkpoint is not registered. With --continue, a registered model goes on
learning from the examples that workers have logged since, and is compared with what it was on the newest of
them. With --compare-..., networks that differ in one setting are trained on the same examples and judged on
the newest ones, and nothing is registered. Needs the extra `train`.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from export.registry import Registry
from model.errors import ModelError, SettingsError
from streams.commands.options import (
    add_dataset,
    add_settings,
    add_training,
    progress_bar,
    progress_lines,
    settings_from,
    training_from,
)
from streams.settings import Settings, override

if TYPE_CHECKING:
    from rich.console import Console


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_dataset(parser.add_argument_group("data"), required=False)
    logged = parser.add_argument_group("go on with a model")
    logged.add_argument("--continue", action="store_true", dest="continued", help="instead of a dataset")
    logged.add_argument("--examples", type=Path, metavar="FOLDER", help="from the settings: examples.folder")
    logged.add_argument("--from", dest="parent", metavar="NAME", help="the registered model to go on with")
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
    if args.continued:
        return _continue(args, settings, registry, console)
    if args.interactions is None:
        raise SettingsError("nothing to learn from: pass --interactions, or --continue with --from")
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
        f"{fitted.manifest.precision} against fp32 on {parity.examples} examples: top-10 agreement "
        f"{parity.top10_agreement:.3f}, NDCG@10 lost {parity.ndcg10_lost:.4f}",
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

    if args.interactions is None:
        raise SettingsError("nothing to compare on: pass --interactions")
    spec = DatasetSpec(
        args.interactions, args.items, args.users, ",".join(args.map), settings.seed, settings.graph
    )
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


def _continue(args: argparse.Namespace, settings: Settings, registry: Registry, console: Console) -> int:
    from streams.local.stopping import terminate_as_exit
    from streams.renewal.continued import continue_model

    folder = args.examples or Path(settings.examples.folder)
    if args.parent is None or folder == Path():
        raise SettingsError("--continue needs --from NAME, and --examples FOLDER or examples.folder")
    if args.interactions is not None:
        raise SettingsError("--continue learns from logged examples: leave --interactions out")
    if args.epochs is not None:
        settings = override(settings, {"renewal": {"epochs": args.epochs}})
    terminate_as_exit()
    manifest = continue_model(settings, registry, args.parent, args.name, folder, progress_lines())
    facts = manifest.training
    difference, error = facts["ndcg10_difference"]
    console.print(f"registered {registry.get(args.name)}", markup=False, highlight=False, soft_wrap=True)
    console.print(
        f"{args.name} is {facts['verdict']} than {args.parent}: NDCG@10 {facts['ndcg10'][0]:.4f} against "
        f"{facts['parent_ndcg10'][0]:.4f}, {difference:+.4f} (standard error {error:.4f}) "
        f"on {facts['judged']} examples; it has learned from {facts['examples']} new and "
        f"{facts['replayed']} older ones",
        highlight=False,
        soft_wrap=True,
    )
    return 0
