"""From a dataset to a registered model: warm the core, collect examples, train, export, pass the gate.

Needs the extra `train`; torch is imported when training begins, not before.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from export.manifest import Manifest, TextEncoderRef, TextManifest
from export.parity import HeldOut, ParityLimits
from export.plan import ExportPlan
from export.registry import Registry
from model import examples
from model.errors import DataError
from model.examples import Shard
from model.plan import TrainPlan
from streams.datasets.as_events import item_of, texts_of_events
from streams.datasets.dataset import Dataset
from streams.examples.collector import ExampleCollector
from streams.offline.stream_driver import Prequential, Stream
from streams.offline.training.dataset_texts import Say, encode_all, text_encoder, texts_of
from streams.offline.training.half_lives import adapted
from streams.offline.training.model_schema import schema_of, tasks_of, vocabulary_of
from streams.offline.training.retrieval_scout import scout
from streams.recommender import Recommender
from streams.settings.tree import Settings
from streams.state.catalog import ItemRecord
from streams.state.event_meaning import Encode, Said, item_record, vectors_of

if TYPE_CHECKING:
    from model.checkpoint import Checkpoint
    from model.train import Progress

BURN_IN = 0.1
GATE_BATCH = 8  # users at a time, as many as one run often has in service


class Collected(NamedTuple):
    """Examples to learn from, and the newest ones, with whole pools, to be judged on."""

    shards: Sequence[Shard]
    held_out: Sequence[Shard]


class Trained(NamedTuple):
    """What a training leaves before it is exported, and what it said on the way."""

    checkpoint: Checkpoint
    collected: Collected
    progress: list[Progress]


Look = Callable[[Trained], None]
"""Given what was trained, to be looked into."""


@dataclass(frozen=True)
class Fitted:
    """A registered model, the settings it was trained under, and the core after the warm part."""

    name: str
    folder: Path
    manifest: Manifest
    settings: Settings
    run: Prequential


def prepare(dataset: Dataset, settings: Settings, encode: Encode | None, say: Say) -> Prequential:
    """A core before its first event; it knows the items, and the vectors of reviews and searches."""
    stream = dataset.interactions
    if not len(stream):
        raise DataError("the dataset holds no interaction that could be read")
    said = encode_all(texts_of_events(stream), encode, "reading reviews and searches", say)
    begin = int(stream.ts_ms[0])
    run = Prequential(Recommender(settings, dataset.graph), Stream(stream, said, dataset.users))
    described = encode_all((item.joined for item in dataset.items.values()), encode, "reading items", say)
    run.announce(records(dataset, described, begin), begin)
    return run


def records(dataset: Dataset, said: Said, ts_ms: int) -> list[ItemRecord]:
    """What is stored of the dataset's items, announced at `ts_ms`."""
    events = (item_of(item_id, item, ts_ms) for item_id, item in dataset.items.items())
    return [item_record(event, vectors_of(event, said), ts_ms) for event in events]


def warm(run: Prequential, until: int, settings: Settings, say: Say, burn_in: float = BURN_IN) -> Collected:
    """Learn up to event `until`, and the examples made on the way; the newest are held out.

    `burn_in`: the share of those events that is learned, but too early to be an example. A scout, trained on
    the first examples, retrieves for the later ones, where there are enough (see `retrieval_scout`).
    """
    first, plan, seed = int(until * burn_in), settings.model.training, settings.seed
    judged_from = until - held_out_of(until, first, plan)
    scouted = scouted_until(until, first, plan)
    learned = ExampleCollector(run.recommender, seed)
    judged = ExampleCollector(run.recommender, seed, whole=True)

    def learning(done: int) -> None:
        say("warming", done, until)

    early: Sequence[Shard] = ()
    if scouted is not None:
        run.warm(scouted, learned, first, learning)
        early = learned.drain()
        if early:
            run.recommender.serve(scout(run.recommender, early, say))
    run.warm(judged_from, learned, first, learning)
    run.warm(until, judged, first, learning)
    run.recommender.serve(None)
    return Collected([*early, *learned.shards()], judged.shards())


def held_out_of(until: int, first: int, plan: TrainPlan) -> int:
    """How many events, the newest of those from `first` up to `until`, are held out."""
    enough = min(ParityLimits().examples, until // 4)
    return min(max(int((until - first) * plan.validate), enough), plan.validate_most)


def scouted_until(until: int, first: int, plan: TrainPlan) -> int | None:
    """The event up to which examples are made without a scout, which is then trained on them; None where
    there is to be none: too few examples, no share of them, or a user tower that learns nothing.
    """
    learned = until - held_out_of(until, first, plan) - first
    early = int(learned * plan.scout)
    wanted = plan.retrieval > 0 and early > 0 and until - first >= plan.scout_from
    return first + early if wanted else None


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
) -> Manifest:
    """Train on the examples, export, pass the gate, register under `name`. `ParityError` keeps nothing.

    `keep`: a folder for the checkpoint and the examples, so that training can be taken up again. `resume`:
    a folder for the state of the training, which goes on from what is there. `look` is given what was
    trained, before it is exported.
    """
    from model.checkpoint import Checkpoint, save_checkpoint
    from model.resume import Savepoints
    from model.train import train

    model, entities = run.recommender.settings.model, run.recommender.pipeline.entities
    shards, held_out = collected
    if not shards:  # too short a stream to hold any out
        shards = held_out
    tasks = tasks_of(run.recommender.settings, shards)
    schema = schema_of(run.recommender, tasks)
    vocabulary = vocabulary_of(run.recommender.catalog.ids, model.network)
    told: list[Progress] = []

    def report(progress: Progress) -> None:
        say("training", progress.done, progress.total)
        told.append(progress)

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
        look(Trained(checkpoint, collected, told))
    facts = {
        "examples": sum(len(each) for each in shards),
        "to_ms": max(int(each.ts_ms.max()) for each in [*shards, *held_out]),
        "validation_ndcg10": [each.ndcg.value for each in told if not np.isnan(each.ndcg.value)],
        "seconds": round(time.perf_counter() - started, 1),
        "network": msgspec.to_builtins(model.network),
        "plan": msgspec.to_builtins(model.training),
        "tasks": msgspec.to_builtins(tasks),
        "graph": "" if entities is None else entities.graph.digest(),
    }
    say("exporting the model", 0, 1)
    ref = None if encoder is None else encoder.reference
    manifest = register(
        checkpoint, held_out or shards, registry, name, ref, facts,
        msgspec.to_builtins(run.recommender.settings.counters), model.export,
    )  # fmt: skip
    say("exporting the model", 1, 1)
    return manifest


def register(
    checkpoint: Checkpoint,
    held_out: Sequence[Shard],
    registry: Registry,
    name: str,
    encoder: TextEncoderRef | None,
    facts: Mapping[str, object],
    counters: Mapping[str, object],
    plan: ExportPlan = ExportPlan(),
) -> Manifest:
    """Export a checkpoint as `plan` says, pass the gate on the held-out examples, register under `name`."""
    from export.package import export_model

    net, _, vocabulary = checkpoint
    calibration, batches = split_for_calibration(held_out_batches(checkpoint, held_out), plan)
    limits = ParityLimits()
    # A small dataset has few examples that were not trained on.
    limits = msgspec.structs.replace(
        limits, examples=min(limits.examples, sum(len(each.positive) for each in batches))
    )
    return export_model(
        net, vocabulary, batches, registry, name, time.time_ns() // 1_000_000, encoder, facts, counters,
        limits, checkpoint, plan.precision, calibration,
    )  # fmt: skip


def split_for_calibration(
    batches: Sequence[HeldOut], plan: ExportPlan
) -> tuple[Sequence[HeldOut], Sequence[HeldOut]]:
    """The oldest held-out examples, to fix scales on where the precision needs that, and the others, to judge
    by. A single batch has to do for both.
    """
    if plan.precision != "int8-static":
        return (), batches
    total, taken, count = sum(len(each.positive) for each in batches), 0, 0
    for batch in batches:
        taken += len(batch.positive)
        if taken > min(plan.calibration_examples, total // 4):
            break
        count += 1
    if len(batches) < 2:
        return batches, batches
    return batches[: max(count, 1)], batches[max(count, 1) :]


def held_out_batches(checkpoint: Checkpoint, shards: Sequence[Shard]) -> list[HeldOut]:
    """Examples as the gate takes them: those whose item a source had found, for only they are ranked in
    service. An item that was put among the candidates has no ranks, and would be told by that alone.
    """
    from model.batches import batches, rescorer_inputs

    net, _, vocabulary = checkpoint
    shards = [part for each in shards if len(part := each.rows(np.flatnonzero(each.found)))] or shards
    return [
        HeldOut(
            inputs=rescorer_inputs(net, batch),
            positive=np.zeros(len(batch.rating), np.int64),
            present=batch.present.numpy(),
        )
        for batch in batches(shards, vocabulary.numbering(), GATE_BATCH)
    ]


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
    """All of it: text encoder, warm core, examples, training, export. The model and the warm core."""
    settings = adapted(settings, dataset.interactions, warm_events)
    encoder = text_encoder(registry, texts_of(dataset, warm_events), settings, say)
    run = prepare(dataset, settings, encoder.project, say)
    collected = warm(run, warm_events, settings, say)
    manifest = fit(run, collected, registry, name, say, encoder.manifest, keep, resume, look)
    return Fitted(name, registry.get(name), manifest, settings, run)
