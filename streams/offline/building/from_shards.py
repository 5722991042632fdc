"""From a folder of example shards to a registered model, in bounded memory, with one process or several.

The shards hold all that a training needs: it reads no dataset. `headrace examples` or workers write the
shards.
"""

from __future__ import annotations

import time
from pathlib import Path

import msgspec

from export.manifest import TEXT_ENCODER, Manifest, TextManifest, read_manifest
from export.registry import Registry
from export.text import encoder_name
from model.checkpoint import Checkpoint, save_checkpoint
from model.distributed import group_of
from model.errors import DataError, ManifestError
from model.resume import Savepoints
from model.schema import Schema
from model.shards import ShardFiles, shard_folders
from model.survey import Survey, survey
from model.tasks import Task, teachable
from model.train import Progress, train
from streams.datasets.triples import read_graph
from streams.examples.folder import LEARN, WHOLE
from streams.offline.building.build import BuildRecord, read_made
from streams.offline.training.dataset_texts import Say
from streams.offline.training.model_schema import schema_with, vocabulary_of
from streams.offline.training.registration import register
from streams.ranking.model_inputs import feature_names
from streams.ranking.pipeline import sources
from streams.settings.tree import Settings


def fit_shards(
    folder: Path,
    settings: Settings,
    registry: Registry,
    name: str,
    say: Say,
    resume: Path | None = None,
    keep: Path | None = None,
) -> Manifest | None:
    """Train on `folder`/learn, judge on `folder`/whole, export, pass the gate and register under `name`.

    `resume`: a folder for the state of the training, which goes on from the state in it. Under torchrun all
    processes make this call; only the first one registers, the others return None.
    """
    shards, held_out = (ShardFiles(shard_folders(folder / kind)) for kind in (LEARN, WHOLE))
    if not len(shards) or not len(held_out):
        raise DataError(
            f"{folder}: expected shards in {LEARN}/ and {WHOLE}/; got {len(shards)} and {len(held_out)}: "
            "make them with `headrace examples`"
        )
    model, made = settings.model, read_made(folder)
    encoder = _encoder(registry, settings, made)
    started = time.perf_counter()
    with group_of() as group:
        seen = survey(shards)
        tasks = teachable(settings.tasks, seen.action, seen.rating)
        schema = _schema(shards, seen, settings, tasks)
        vocabulary = vocabulary_of(seen.items, model.network)
        plan = msgspec.structs.replace(model.training, device=group.device(model.training.device))
        ranked: list[float] = []

        def report(progress: Progress) -> None:
            say("training", progress.done, progress.total)
            if progress.ndcg.value == progress.ndcg.value:  # not NaN
                ranked.append(progress.ndcg.value)

        savepoints = None if resume is None else Savepoints(resume)
        net = train(
            shards, held_out, schema, model.network, plan, tasks, vocabulary, report, savepoints, group
        ).to("cpu")
    if not group.leads:
        return None
    checkpoint = Checkpoint(net, tasks, vocabulary)
    if keep is not None:
        save_checkpoint(checkpoint, keep)
    facts = {
        "examples": sum(shards.lengths),
        "to_ms": max(each.last_ms for each in (*shards.facts, *held_out.facts)),
        "validation_ndcg10": ranked,
        "seconds": round(time.perf_counter() - started, 1),
        "processes": group.world,
        "network": msgspec.to_builtins(model.network),
        "plan": msgspec.to_builtins(model.training),
        "tasks": msgspec.to_builtins(tasks),
        "graph": _graph(settings) if made is None else made.graph,
    }
    counters = msgspec.to_builtins(settings.counters if made is None else made.counters)
    ref = None if encoder is None else encoder.reference
    return register(checkpoint, held_out, registry, name, ref, facts, counters, model.export)


def _schema(shards: ShardFiles, seen: Survey, settings: Settings, tasks: dict[str, Task]) -> Schema:
    """The schema of the shards; `DataError` if their features are not those of this build."""
    names = [source.name for source in sources()]
    features = feature_names(names)
    written = {facts.features for facts in shards.facts}
    if written != {features}:
        other = next(iter(written - {features}))
        differing = sorted(set(other) ^ set(features)) or "their order"
        raise DataError(f"the examples have other features than this build ({differing}): build them anew")
    return schema_with(names, tasks, seen.modalities, seen.history, seen.text_dim)


def _graph(settings: Settings) -> str:
    """The digest of the knowledge graph of the workers that logged the examples; "" for none."""
    read = read_graph(settings.graph)
    return "" if read is None else read.graph.digest()


def _encoder(registry: Registry, settings: Settings, made: BuildRecord | None) -> TextManifest | None:
    """The registered encoder that read the texts; None if workers logged the examples without one."""
    name = encoder_name(settings.model.text_encoder) if made is None else made.text_encoder.id
    if made is None and not registry.text.has(name):
        return None
    manifest = read_manifest(registry.text.get(name), TextManifest)
    if made is not None and manifest.files[TEXT_ENCODER].sha256 != made.text_encoder.sha256:
        raise ManifestError(
            f"{registry.text.folder / name} is not the text encoder of the examples; use the registry with "
            "which they were built, or build them anew"
        )
    return manifest
