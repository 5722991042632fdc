"""Train a smaller model to rank like a registered one. It costs less to serve.

  headrace train --interactions ratings.csv --items movies.csv --name first --keep var/kept
  headrace distil --from first --examples var/kept --name small

The examples are those of `headrace train --keep`, or shards of `headrace examples` or of workers. The small
model (the student) learns clicks from its teacher alone. The command measures on held-out examples how much
NDCG the student loses, and prints it; it activates nothing. Needs the extra `train`.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import get_args

from model.errors import SettingsError
from model.schema import EncoderKind
from streams.commands.options import add_settings, progress_bar, settings_from
from streams.commands.outputs import check_folder
from streams.settings.reading import override

EPOCHS = 16


def add_arguments(parser: argparse.ArgumentParser) -> None:
    run = parser.add_argument_group("run")
    run.add_argument("--from", dest="teacher", required=True, metavar="NAME", help="the registered model")
    run.add_argument(
        "--examples", type=Path, required=True, metavar="FOLDER", help="examples, kept or as shards"
    )
    run.add_argument("--name", required=True, help="the student's name in the registry")
    run.add_argument("--registry", type=Path, metavar="FOLDER", help="from the settings: model.registry")
    run.add_argument("--epochs", type=int, default=EPOCHS, metavar="N", help=f"passes over them ({EPOCHS})")
    run.add_argument("--device", metavar="NAME", help="torch's name of it: cpu, cuda (cpu)")
    run.add_argument("--seed", type=int, help="seeds all that draws at random (7)")
    form = parser.add_argument_group("the student's form")
    form.add_argument(
        "--encoder", choices=get_args(EncoderKind), default="none", help="of the history (none)"
    )
    form.add_argument("--width", type=int, default=32, help="of its views (32)")
    form.add_argument(
        "--hidden", type=int, nargs=2, default=(64, 32), metavar="N", help="of its two layers (64 32)"
    )
    add_settings(run)


def run(args: argparse.Namespace) -> int:
    # The imports stand here, so that --help and a wrong option answer at once.
    from rich.console import Console

    from export.registry import Registry
    from streams.offline.training.distillation import distil_model

    given = {"epochs": args.epochs, "device": args.device, "seed": args.seed}
    training = {name: value for name, value in given.items() if value is not None}
    # A teacher's shares hold no noise to guard against, so the student has no dropout.
    network = {
        "encoder": args.encoder, "width": args.width, "hidden": list(args.hidden), "dropout": 0.0,
    }  # fmt: skip
    model = override(settings_from(args), {"model": {"training": training, "network": network}}).model
    registry, console = Registry(args.registry or Path(model.registry)), Console()
    check_folder("--registry", registry.folder)
    if args.teacher == args.name:
        raise SettingsError(f"--name {args.name}: the student needs a name of its own, not its teacher's")
    manifest = distil_model(
        registry, args.teacher, args.name, args.examples, model.network, model.training, progress_bar()
    )
    facts = manifest.training
    lost, error = facts["ndcg10_lost"]
    console.print(f"registered {registry.get(args.name)}", markup=False, highlight=False, soft_wrap=True)
    console.print(
        f"NDCG@10 {facts['ndcg10'][0]:.4f}, its teacher's {facts['teacher_ndcg10'][0]:.4f}: {lost:.4f} lost "
        f"(standard error {error:.4f}) on {facts['judged']} examples; learned from {facts['examples']} in "
        f"{facts['seconds']} s",
        highlight=False,
        soft_wrap=True,
    )
    return 0
