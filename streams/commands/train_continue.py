"""`headrace train --continue`: a registered model goes on learning from logged examples."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console

from export.registry import Registry
from model.errors import SettingsError
from streams.commands.options import progress_lines
from streams.local.stopping import terminate_as_exit
from streams.offline.renewal.continued import continue_model
from streams.offline.renewal.desk import ProgressFile
from streams.settings.reading import override
from streams.settings.tree import Settings


def run(args: argparse.Namespace, settings: Settings, registry: Registry, console: Console) -> int:
    """Train, compare with the parent, register."""
    folder = args.examples or Path(settings.examples.folder)
    if args.parent is None or folder == Path():
        raise SettingsError("--continue needs --from NAME, and --examples FOLDER or examples.folder")
    if args.interactions is not None:
        raise SettingsError("--continue learns from logged examples: leave --interactions out")
    if args.epochs is not None:
        settings = override(settings, {"renewal": {"epochs": args.epochs}})
    terminate_as_exit()
    lines = progress_lines()
    file = None if args.progress is None else ProgressFile(args.progress)

    def say(stage: str, done: int, total: int) -> None:
        lines(stage, done, total)
        if file is not None:
            file(stage, done, total)

    manifest = continue_model(settings, registry, args.parent, args.name, folder, say)
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
