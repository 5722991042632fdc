"""From a dataset to a registered model: warm the core, collect examples, train, export, pass the gate.

Needs the extra `train`; torch is imported when training begins, not before.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from export.manifest import Manifest, TextEncoderRef, TextManifest
from export.parity import HeldOut, ParityLimits
from export.registry import Registry
from export.text import TextEncoder, encoder_name, load_text_encoder
from model import examples
from model.errors import DataError, ModelError
from model.examples import Shard
from model.features import HISTORY_FEATURES, USER_FEATURES
from model.schema import F32, FusionKind, Schema
from streams.counters.settings import CounterSettings
from streams.recommender import Recommender
from streams.replay.dataset import Dataset
from streams.replay.driver import Prequential, Stream
from streams.replay.interactions import Interactions
from streams.rescoring import feature_names
from streams.settings import Settings
from streams.training import ExampleCollector

Say = Callable[[str, int, int], None]
"""Told the stage, how far it is, and how far it goes."""
Project = Callable[[Sequence[str]], F32]
"""Texts -> unit vectors [n, text_dim]."""

BURN_IN = 0.1  # of the warm part: learned, but too early to be an example
PACE_OF_LAST = 0.2
HALF_LIVES_EVENTS = (500.0, 5_000.0, 50_000.0)
PAIR_HALF_LIFE_EVENTS = 20_000.0
FRESH_HALF_LIFE_EVENTS = 2_000.0
TEXTS_FOR_PROJECTION = 2_000
TEXTS_AT_A_TIME = 64


@dataclass(frozen=True)
class TrainOptions:
    """How the network is trained; see `model.train.TrainSettings`.

    `keep`: a folder for the checkpoint and the examples, so that training can be taken up again.
    """

    epochs: int = 8
    fusion: FusionKind = "attention"
    device: str = "cpu"
    keep: Path | None = None


@dataclass(frozen=True)
class Fitted:
    """A registered model, the settings it was trained under, and the core after the warm part."""

    name: str
    folder: Path
    manifest: Manifest
    settings: Settings
    run: Prequential


def adapted(settings: Settings, stream: Interactions, until: int) -> Settings:
    """Settings whose half-lives fit the stream's pace: so many events of its last fifth.

    The pace of the whole past would do where it is steady; a store that grows is faster now than it ever was.

    Half-lives that were set by hand stay.
    """
    begin = int(until * (1.0 - PACE_OF_LAST))
    span_s = float(stream.ts_ms[until - 1] - stream.ts_ms[begin]) / 1_000.0
    if settings.counters != CounterSettings() or span_s <= 0:
        return settings
    pace = span_s / (until - begin)
    short, mid, long = (pace * events for events in HALF_LIVES_EVENTS)
    counters = msgspec.structs.replace(
        settings.counters, half_lives_s=(short, mid, long), pair_half_life_s=pace * PAIR_HALF_LIFE_EVENTS
    )
    candidates = msgspec.structs.replace(settings.candidates, fresh_half_life_s=pace * FRESH_HALF_LIFE_EVENTS)
    return msgspec.structs.replace(settings, counters=counters, candidates=candidates)


def text_encoder(registry: Registry, texts: Sequence[str], settings: Settings, say: Say) -> TextEncoder:
    """The registered encoder that the settings name; exported first where it is not there yet."""
    name = encoder_name(settings.model.text_encoder)
    if not registry.text.has(name):
        from export.text_to_onnx import export_text_encoder

        say("exporting the text encoder", 0, 1)
        sample = spread(texts, TEXTS_FOR_PROJECTION)
        try:
            export_text_encoder(registry, sample, _now_ms(), settings.model.text_encoder)
        except ModelError:
            if not registry.text.has(name):  # else another process was faster
                raise
        say("exporting the text encoder", 1, 1)
    model = settings.model
    return load_text_encoder(
        registry.text.get(name), model.providers, model.fallback, model.threads, model.text_max_tokens
    )


def texts_of(dataset: Dataset, until: int) -> list[str]:
    """The texts known by event `until`: of all items announced, and of the reviews so far."""
    reviews = dataset.interactions.text or []
    return [text for text in (*(item.joined for item in dataset.items.values()), *reviews[:until]) if text]


def prepare(dataset: Dataset, settings: Settings, project: Project | None, say: Say) -> Prequential:
    """A core before its first event, that knows the dataset's items and every review's vector."""
    stream = dataset.interactions
    if not len(stream):
        raise DataError("the dataset holds no interaction that could be read")
    words: dict[int, F32] = {}
    items: list[tuple[str, F32 | None]] = [(item_id, None) for item_id in dataset.items]
    if project is not None:
        said = {k: text for k, text in enumerate(stream.text or []) if text.strip()}
        words = dict(zip(said, _projected(list(said.values()), project, "reading reviews", say), strict=True))
        texts = [item.joined for item in dataset.items.values()]
        vectors = _projected(texts, project, "reading items", say)
        items = [
            (item_id, vector if text.strip() else None)
            for item_id, vector, text in zip(dataset.items, vectors, texts, strict=True)
        ]
    run = Prequential(Recommender(settings), Stream(stream, words, dataset.users))
    run.announce(items, int(stream.ts_ms[0]))
    return run


def warm(run: Prequential, until: int, seed: int, say: Say) -> list[Shard]:
    """Learn up to event `until`, and the examples made on the way."""
    collector = ExampleCollector(run.recommender, seed)
    run.warm(until, collector, int(until * BURN_IN), lambda done: say("warming", done, until))
    return collector.shards()


def fit(
    run: Prequential,
    shards: Sequence[Shard],
    registry: Registry,
    name: str,
    options: TrainOptions,
    say: Say,
    encoder: TextManifest | None = None,
    limits: ParityLimits = ParityLimits(),
) -> Manifest:
    """Train on the shards, export, pass the gate, register under `name`. `ParityError` keeps nothing."""
    import torch

    from export.package import export_model
    from model.checkpoint import save_checkpoint
    from model.network import NetworkConfig
    from model.train import Progress, TrainSettings, batches, rescorer_inputs, train

    recommender = run.recommender
    vocabulary = {item_id: row + 1 for row, item_id in enumerate(recommender.catalog.ids)}
    schema = Schema(
        candidate_features=feature_names(recommender.pipeline.names),
        user_features=USER_FEATURES,
        history_features=HISTORY_FEATURES,
        history=recommender.settings.state.history,
        text_dim=recommender.catalog.text.shape[1],
    )
    losses: list[float] = []

    def report(progress: Progress) -> None:
        say("training", progress.step, progress.steps)
        if not np.isnan(progress.validation):
            losses.append(progress.validation)

    started = time.perf_counter()
    config = NetworkConfig(vocabulary=len(vocabulary), fusion=options.fusion)
    train_settings = TrainSettings(
        epochs=options.epochs, seed=recommender.settings.seed, device=options.device
    )
    net = train(shards, schema, config, train_settings, report).to("cpu")
    if options.keep is not None:
        save_checkpoint(net, list(vocabulary), options.keep)
        examples.save(shards, options.keep / "examples.npz")
    total = sum(len(shard) for shard in shards)
    # A small dataset has few examples that were not trained on; the gate then looks at the newest of all.
    limits = msgspec.structs.replace(limits, examples=min(limits.examples, total))
    newest = np.arange(total - max(int(total * train_settings.validate), limits.examples), total)
    with torch.no_grad():
        held_out = [
            HeldOut(
                inputs=rescorer_inputs(net, batch),
                positive=np.zeros(len(batch.rating), np.int64),
                present=np.ones(tuple(batch.candidate_id.shape), np.bool_),
            )
            for batch in batches(shards, newest, train_settings.batch, "cpu")
        ]
    say("exporting the model", 0, 1)
    ref = None
    if encoder is not None:
        ref = TextEncoderRef(encoder.name, encoder.files["text_encoder.onnx"].sha256)
    facts = {
        "examples": total,
        "epochs": options.epochs,
        "validation_loss": losses,
        "seconds": round(time.perf_counter() - started, 1),
        "seed": train_settings.seed,
        "fusion": options.fusion,
    }
    manifest = export_model(
        net, schema, vocabulary, held_out, registry, name, _now_ms(), ref, facts,
        msgspec.to_builtins(recommender.settings.counters), limits,
    )  # fmt: skip
    say("exporting the model", 1, 1)
    return manifest


def fit_model(
    dataset: Dataset,
    settings: Settings,
    registry: Registry,
    name: str,
    warm_events: int,
    options: TrainOptions,
    say: Say,
) -> Fitted:
    """All of it: text encoder, warm core, examples, training, export. The model and the warm core."""
    settings = adapted(settings, dataset.interactions, warm_events)
    encoder = text_encoder(registry, texts_of(dataset, warm_events), settings, say)
    run = prepare(dataset, settings, encoder.project, say)
    shards = warm(run, warm_events, settings.seed, say)
    manifest = fit(run, shards, registry, name, options, say, encoder.manifest)
    return Fitted(name, registry.get(name), manifest, settings, run)


def spread(texts: Sequence[str], count: int) -> list[str]:
    """At most `count` of the texts, evenly from all of them."""
    if len(texts) <= count:
        return list(texts)
    return [texts[int(place)] for place in np.linspace(0, len(texts) - 1, count)]


def _projected(texts: Sequence[str], project: Project, stage: str, say: Say) -> list[F32]:
    vectors: list[F32] = []
    for begin in range(0, len(texts), TEXTS_AT_A_TIME):
        vectors.extend(project(texts[begin : begin + TEXTS_AT_A_TIME]))
        say(stage, len(vectors), len(texts))
    return vectors


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
