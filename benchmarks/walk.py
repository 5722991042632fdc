"""A model that trains on the first part of a stream and serves, to examine it along the second part."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from export.registry import Registry
from streams.commands.options import (
    add_dataset,
    add_settings,
    add_training,
    dataset_from,
    graph_from,
    progress_bar,
    settings_from,
    training_from,
)
from streams.offline.training.dataset_texts import Say
from streams.offline.training.fit import Fitted, fit_model
from streams.serving.loading import load_in_service
from streams.settings.tree import Settings


class Walk(NamedTuple):
    """`fitted.run` stands at event `warm` of `events`, and serves the model; `kept`: the folder of its
    checkpoint while the walk lasts.
    """

    settings: Settings
    fitted: Fitted
    kept: Path
    events: int
    warm: int
    until: int
    say: Say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options for the dataset, the training, and the begin and end of the walk."""
    add_dataset(parser)
    add_training(parser)
    add_settings(parser)
    parser.add_argument("--warm", type=float, default=0.5, help="share of the stream to train on (0.5)")
    parser.add_argument("--until", type=float, default=1.0, help="share of the stream to walk to (1.0)")


@contextmanager
def trained(args: argparse.Namespace) -> Iterator[Walk]:
    """Train as the arguments say; the end of the block deletes the files."""
    settings = graph_from(args, training_from(args, settings_from(args)))
    dataset = dataset_from(args, settings)
    events, say = len(dataset.interactions), progress_bar()
    warm, until = int(events * args.warm), int(events * args.until)
    with TemporaryDirectory(prefix="headrace-walk-") as folder:
        kept = Path(folder) / "kept"
        fitted = fit_model(dataset, settings, Registry(Path(folder)), "walked", warm, say, kept)
        core = fitted.run.recommender
        core.serve(load_in_service(fitted.folder, settings.model, core.pipeline.names))
        yield Walk(settings, fitted, kept, events, warm, until, say)
