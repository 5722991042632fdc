"""The gain of renewal: a model that goes on learning from logged examples, against the same one without.

    python -m benchmarks.renewal --json benchmarks/results/renewal.json

On ml-100k, in time order (ties by a seeded hash): the first 40% warm and train a model. From 40% to 60% it
serves, and the benchmark logs examples as workers do. The code of `headrace train --continue` then trains it
on those, and the report notes its verdict. From 60% to 70% both models predict every event before the core
learns it, over the same live counters. Nothing has seen the last stretch before.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from export.manifest import Manifest
from export.registry import Registry
from model.cache_folder import cache_folder
from model.evaluate import Estimate, hit_rate, ndcg, ndcg_difference
from model.examples import Shard
from model.shard_writing import write_shard
from streams.bench.machine import Machine, this_machine
from streams.datasets.dataset import DatasetSpec, load_dataset
from streams.examples.collector import ExampleCollector
from streams.examples.folder import KINDS, LEARN, WHOLE, shard_name
from streams.examples.sampled import place_of
from streams.local.datasets import ml_100k
from streams.offline.renewal.continued import continue_model
from streams.offline.replay.prequential import prediction_of
from streams.offline.stream_driver import Prequential
from streams.offline.training.dataset_texts import text_encoder, texts_of
from streams.offline.training.fit import fit
from streams.offline.training.half_lives import adapted
from streams.offline.training.warming import prepare, warm
from streams.ranking.model_in_service import ModelInService
from streams.ranking.model_inputs import feature_names
from streams.serving.loading import load_in_service
from streams.settings.reading import load, override
from streams.settings.tree import Settings

TRAIN, LOG, TEST = 0.4, 0.6, 0.7
FROZEN, RENEWED = "frozen", "renewed"
SAY_EVERY = 2_000


class RenewalReport(msgspec.Struct, frozen=True):
    """`models`: HR@10 and NDCG@10 on the last stretch, each with its standard error; the differences with
    that of the paired differences. `renewal`: what the manifest of the renewed model says.
    """

    machine: Machine
    events: int
    predicted: int
    models: dict[str, dict[str, Estimate]]
    hr10_difference: Estimate
    ndcg10_difference: Estimate
    renewal: dict[str, Any]


def measure(limit: int | None, settings: Settings) -> RenewalReport:
    """Train, log, renew, compare."""
    machine = this_machine()
    files = ml_100k()
    dataset = load_dataset(
        DatasetSpec(str(files.interactions), str(files.items), str(files.users), seed=settings.seed)
    )
    if limit is not None:
        dataset = replace(dataset, interactions=dataset.interactions.take(np.arange(limit)))
    total = len(dataset.interactions)
    trained, logged, tested = (int(total * share) for share in (TRAIN, LOG, TEST))
    settings = adapted(settings, dataset.interactions, trained)
    with TemporaryDirectory(prefix="headrace-renewal-") as temporary:
        registry, folder = Registry(Path(temporary) / "models"), Path(temporary) / "examples"
        encoder = text_encoder(Registry(cache_folder() / "models"), texts_of(dataset, trained), settings, say)
        run = prepare(dataset, settings, encoder.project, say)
        collected = warm(run, trained, settings, say)
        fit(run, collected, registry, FROZEN, say, encoder.manifest)
        run.recommender.serve(_served(registry, FROZEN, run))
        _write(collected.shards, folder / LEARN, "train", run)
        log_examples(run, logged, settings, folder)
        manifest = continue_model(settings, registry, FROZEN, RENEWED, folder, say)
        models = {name: _served(registry, name, run) for name in (FROZEN, RENEWED)}
        ranks = predicted(run, tested, models)
    hits = {name: ranks[name] <= 10 for name in models}
    hits = {name: hits[name] & (ranks[name] > 0) for name in models}
    difference = hits[RENEWED].astype(np.float64) - hits[FROZEN]
    return RenewalReport(
        machine,
        total,
        len(difference),
        {name: {"hr@10": hit_rate(found), "ndcg@10": ndcg(found)} for name, found in ranks.items()},
        Estimate(
            float(difference.mean()),
            float(difference.std(ddof=1) / len(difference) ** 0.5),
        ),
        ndcg_difference(ranks[RENEWED], ranks[FROZEN]),
        _verdict_of(manifest),
    )


def log_examples(run: Prequential, until: int, settings: Settings, folder: Path) -> None:
    """Learn up to event `until`, and log examples on the way, with the workers' sampling."""
    collectors = {
        kind: ExampleCollector(
            run.recommender, settings.seed, kind == WHOLE, shard_size=settings.examples.shard_events
        )
        for kind in KINDS
    }
    while run.at < until:
        whole = place_of(str(run.at), settings.seed, "whole") < settings.examples.whole
        run.collect(collectors[WHOLE if whole else LEARN])
        run.learn()
        say("logging", run.at, until)
    for kind, collector in collectors.items():
        _write(collector.shards(), folder / kind, "log", run)


def predicted(
    run: Prequential, until: int, models: dict[str, ModelInService]
) -> dict[str, NDArray[np.int32]]:
    """The place of the true item by each model, for every event up to `until` that the models can rank."""
    found: dict[str, list[int]] = {name: [] for name in models}
    while run.at < until:
        for name, model in models.items():
            run.recommender.serve(model)
            draft, row = run.predict()
            result = prediction_of(run, draft, row, [])
            if result.ranked:
                found[name].append(result.rank)
        run.learn()
        say("predicting", run.at, until)
    return {name: np.array(ranks, np.int32) for name, ranks in found.items()}


def _served(registry: Registry, name: str, run: Prequential) -> ModelInService:
    recommender = run.recommender
    model = load_in_service(registry.get(name), recommender.settings.model, recommender.pipeline.names)
    model.refresh(recommender.catalog)
    return model


def _write(shards: Sequence[Shard], folder: Path, writer: str, run: Prequential) -> None:
    features = feature_names(run.recommender.pipeline.names)
    for number, each in enumerate(shards):
        name = shard_name(int(each.ts_ms.min()), int(each.ts_ms.max()), writer, number)
        write_shard(each, folder, name, features)


def _verdict_of(manifest: Manifest) -> dict[str, Any]:
    left_out = ("network", "plan", "tasks")
    return {name: value for name, value in manifest.training.items() if name not in left_out}


def say(stage: str, done: int, total: int) -> None:
    """A line now and then."""
    if done == total or done % SAY_EVERY == 0:
        print(f"{stage}: {done:,} of {total:,}", file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N events")
    parser.add_argument("--epochs", type=int, metavar="N", help="of the first training (8)")
    parser.add_argument("--whole", type=float, default=0.1, help="share of whole-pool examples (0.1)")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers")
    args = parser.parse_args()
    training = {} if args.epochs is None else {"epochs": args.epochs}
    settings = override(
        load(),
        {
            "seed": args.seed,
            "model": {"training": training | {"seed": args.seed}},
            "examples": {"whole": args.whole},
            # The benchmark must walk the whole path even on a small part of the data.
            "renewal": {"examples_min": 1_000, "judge_min": 50},
        },
    )
    report = measure(args.limit, settings)
    raw = msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n"
    print(raw.decode(), end="")
    if args.json is not None:
        args.json.write_bytes(raw)


if __name__ == "__main__":
    main()
