"""Train, export, quantize, pass the parity gate and register: a model that workers can serve.

  headrace train --interactions ratings.csv --items movies.csv --registry var/models --name first
  headrace activate first
  headrace train --continue --examples var/examples --from first --name second
  headrace train --examples var/shards --resume var/training --name third
  headrace train --interactions ratings.csv --compare-fusion --compare-html fusion.html

The command replays the stream in time order through the core that serves, and takes the examples on the way.
It does not register a model that disagrees with its checkpoint. With --continue, it trains a registered model
on the examples that workers have logged since, and compares the new model with its parent on the newest of
them. With --examples alone the shards of `headrace examples` take the dataset's place: only a window of them
is in memory, and under `torchrun` several processes train together. With --compare-..., it trains networks
that differ in one setting on the same examples, judges them on the newest ones, and registers nothing. Needs
the extra `train`.
"""

from __future__ import annotations

import argparse
import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model.errors import ModelError, SettingsError
from streams.commands.options import (
    add_dataset,
    add_settings,
    add_training,
    dataset_from,
    graph_from,
    inputs_of,
    progress_bar,
    say_how_read,
    settings_from,
    training_from,
)
from streams.commands.outputs import check_files, check_folder, check_plots

if TYPE_CHECKING:
    from rich.console import Console

    from export.manifest import Manifest
    from export.registry import Registry
    from streams.datasets.dataset import Dataset
    from streams.offline.training.fit import Fitted, Trained

PACKAGES = ("headrace", "numpy", "onnxruntime", "torch")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    data = parser.add_argument_group("data")
    add_dataset(data, required=False)
    data.add_argument("--limit", type=int, metavar="N", help="only the first N events")
    data.add_argument("--examples", type=Path, metavar="FOLDER", help="shards of examples")
    logged = parser.add_argument_group("go on with a model")
    logged.add_argument(
        "--continue", action="store_true", dest="continued", help="learn from logged examples"
    )
    logged.add_argument("--from", dest="parent", metavar="NAME", help="the registered model to train further")
    logged.add_argument("--progress", type=Path, metavar="FILE", help="keep writing how far it is")
    run = parser.add_argument_group("run")
    run.add_argument("--name", help="the model's name in the registry")
    run.add_argument("--registry", type=Path, metavar="FOLDER", help="from the settings: model.registry")
    add_training(run)
    run.add_argument("--keep", type=Path, metavar="FOLDER", help="write checkpoint and examples here too")
    run.add_argument(
        "--resume",
        type=Path,
        metavar="FOLDER",
        help="keep the training's state here, and go on from it",
    )
    run.add_argument(
        "--report",
        type=Path,
        metavar="FILE.html",
        help="write a page on the training: curves, calibration, segments, gaps, explanations; works offline",
    )
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
    add_settings(run)


def run(args: argparse.Namespace) -> int:
    # The imports stand here, so that --help and a wrong option answer at once.
    from rich.console import Console

    from export.registry import Registry

    settings = graph_from(args, training_from(args, settings_from(args)))
    registry, console = Registry(args.registry or Path(settings.model.registry)), Console()
    _check_outputs(args, registry)
    if args.compare:
        from streams.commands import train_compare

        return train_compare.run(args, settings, registry, console)
    if not args.name:
        raise SettingsError("expected --name NAME for the model (or --compare-..., which keeps no model)")
    if registry.has(args.name):  # an error now, not after the training
        raise ModelError(
            f"{registry.get(args.name)} is already there; a model never changes: choose another name"
        )
    if args.continued:
        from streams.commands import train_continue

        return train_continue.run(args, settings, registry, console)
    if args.interactions is None:
        from streams.commands import train_shards

        manifest = train_shards.run(args, settings, registry)
        if manifest is not None:
            _say(manifest, registry.get(args.name), console)
        return 0
    if args.examples is not None or "WORLD_SIZE" in os.environ:
        raise SettingsError("--examples, and torchrun, go without --interactions: see `headrace examples`")
    from streams.offline.training.fit import fit_model

    dataset = dataset_from(args, settings).first(args.limit)
    say_how_read(dataset, console)
    events = len(dataset.interactions)
    trained: list[Trained] = []
    look = None if args.report is None else trained.append
    fitted = fit_model(
        dataset, settings, registry, args.name, events, progress_bar(), args.keep, args.resume, look
    )
    _say(fitted.manifest, fitted.folder, console)
    half_lives = ", ".join(f"{half_life:.0f}" for half_life in fitted.settings.counters.half_lives_s)
    for model in trained:
        _report(args, dataset, fitted, model)
        console.print(f"report: {args.report}", markup=False, highlight=False)
    console.print(
        f"counters.half_lives_s = [{half_lives}]  (put this into the workers' settings)", markup=False
    )
    return 0


def _check_outputs(args: argparse.Namespace, registry: Registry) -> None:
    """Try the outputs now, not after the training."""
    pages = {"--report": args.report, "--compare-html": args.compare_html}
    check_files({**pages, "--compare-json": args.compare_json}, inputs_of(args))
    check_plots(pages)
    check_folder("--keep", args.keep)
    check_folder("--resume", args.resume)
    if not args.compare:
        check_folder("--registry", registry.folder)
    if args.report is not None and (args.continued or args.interactions is None):
        raise SettingsError("--report needs --interactions: leave it out with --continue or --examples")


def _say(manifest: Manifest, folder: Path, console: Console) -> None:
    from export.text import UNKNOWN_SHARE

    parity, facts = manifest.parity, manifest.training
    console.print(f"registered {folder}", markup=False, highlight=False)
    console.print(f"trained on {facts['examples']} examples in {facts['seconds']} s", highlight=False)
    console.print(
        f"{manifest.precision} against fp32 on {parity.examples} examples: top-10 agreement "
        f"{parity.top10_agreement:.3f}, NDCG@10 lost {parity.ndcg10_lost:.4f}",
        highlight=False,
    )
    unknown = facts.get("unknown_tokens", 0.0)
    if unknown > UNKNOWN_SHARE:
        console.print(
            f"the text encoder does not know {unknown:.0%} of the texts' tokens: name another one as "
            "model.text_encoder, and train again",
            highlight=False,
        )


def _report(args: argparse.Namespace, dataset: Dataset, fitted: Fitted, trained: Trained) -> None:
    """Examine the trained model, and write the page."""
    from export.manifest import versions_of
    from streams.offline.reports.training import write_training_report
    from streams.offline.reports.training_findings import look

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
