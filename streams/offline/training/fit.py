"""From a dataset to a registered model: warm the core, collect examples, train, export, pass the gate.

Needs the extra `train`; this module imports torch only when training begins.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from export.manifest import Manifest, TextManifest
from export.registry import Registry
from model import examples
from streams.datasets.dataset import Dataset
from streams.offline.stream_driver import Prequential
from streams.offline.training.dataset_texts import Say, counted, text_encoder, texts_of
from streams.offline.training.half_lives import adapted
from streams.offline.training.model_schema import schema_of, tasks_of, vocabulary_of
from streams.offline.training.opinions import opinions_of
from streams.offline.training.registration import register
from streams.offline.training.warming import Collected, prepare, warm
from streams.settings.tree import Settings

if TYPE_CHECKING:
    from model.checkpoint import Checkpoint
    from model.train import Progress


class Trained(NamedTuple):
    """The result of a training before its export, and the progress that it reported."""

    checkpoint: Checkpoint
    collected: Collected
    progress: list[Progress]


UNKNOWN_TOKENS = "unknown_tokens"
"""What a manifest's `training` calls the share of tokens that the text encoder does not know."""
Look = Callable[[Trained], None]
"""Takes the result of a training, to examine it."""


@dataclass(frozen=True)
class Fitted:
    """A registered model, the settings of its training, and the core after the warm part."""

    name: str
    folder: Path
    manifest: Manifest
    settings: Settings
    run: Prequential


def fit(
    run: Prequential,
    collected: Collected,
    registry: Registry,
    name: str,
    say: Say,
    encoder: TextManifest | None = None,
    keep: Path | None = None,
    resume: Path | None = None,
    look: Look | None = None,
    unknown_tokens: float | None = None,
) -> Manifest:
    """Train on the examples, export, pass the gate, register under `name`. A `ParityError` keeps nothing.

    `keep`: a folder for the checkpoint and the examples, to learn from them later. `resume`: a folder for the
    state of the training, which goes on from the state in it. `look` gets the result before the export.
    `unknown_tokens`: which share of the texts' tokens the encoder does not know; None without texts.
    """
    from model.checkpoint import Checkpoint, save_checkpoint
    from model.resume import Savepoints
    from model.train import train

    model, entities = run.recommender.settings.model, run.recommender.pipeline.workspace.entities
    shards, held_out = collected
    if not shards:  # the stream is too short to hold examples out
        shards = held_out
    tasks = tasks_of(run.recommender.settings, shards)
    schema = schema_of(run.recommender, tasks)
    vocabulary = vocabulary_of(run.recommender.catalog.ids, model.network)
    reported: list[Progress] = []

    def report(progress: Progress) -> None:
        say("training", progress.done, progress.total)
        reported.append(progress)

    started = time.perf_counter()
    savepoints = None if resume is None else Savepoints(resume)
    net = train(
        shards, held_out, schema, model.network, model.training, tasks, vocabulary, report, savepoints
    ).to("cpu")
    checkpoint = Checkpoint(net, tasks, vocabulary)
    if keep is not None:
        save_checkpoint(checkpoint, keep)
        examples.save([*shards, *held_out], keep / examples.KEPT)
    if look is not None:
        look(Trained(checkpoint, collected, reported))
    facts = {
        "examples": sum(len(each) for each in shards),
        "to_ms": max(int(each.ts_ms.max()) for each in [*shards, *held_out]),
        "validation_ndcg10": [each.ndcg.value for each in reported if not np.isnan(each.ndcg.value)],
        "seconds": round(time.perf_counter() - started, 1),
        "network": msgspec.to_builtins(model.network),
        "plan": msgspec.to_builtins(model.training),
        "tasks": msgspec.to_builtins(tasks),
        "graph": "" if entities is None else entities.graph.digest(),
        **({} if unknown_tokens is None else {UNKNOWN_TOKENS: round(unknown_tokens, 4)}),
    }
    say("exporting the model", 0, 1)
    ref = None if encoder is None else encoder.reference
    manifest = register(
        checkpoint, held_out or shards, registry, name, ref, facts,
        msgspec.to_builtins(run.recommender.settings.counters), model.export,
    )  # fmt: skip
    say("exporting the model", 1, 1)
    return manifest


def fit_model(
    dataset: Dataset,
    settings: Settings,
    registry: Registry,
    name: str,
    warm_events: int,
    say: Say,
    keep: Path | None = None,
    resume: Path | None = None,
    look: Look | None = None,
) -> Fitted:
    """Do all of it: text encoder, warm core, examples, training, export. Returns model and warm core."""
    settings = adapted(settings, dataset.interactions, warm_events)
    texts = texts_of(dataset, warm_events)
    encoder = text_encoder(registry, texts, settings, say)
    unknown = counted(encoder, texts).share if texts else None
    opinions_of(dataset, warm_events, encoder, registry, settings.seed, say)
    run = prepare(dataset, settings, encoder.project, say)
    collected = warm(run, warm_events, settings, say)
    manifest = fit(run, collected, registry, name, say, encoder.manifest, keep, resume, look, unknown)
    return Fitted(name, registry.get(name), manifest, settings, run)
