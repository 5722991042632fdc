"""Whether the network ranks better with what reviews say: the same stream, examples and predicted events.

    OPINION_FEATURES=1 python -m benchmarks.opinion_features --interactions Musical_Instruments.zip

One warm pass makes the examples. A network is trained on them for each seed, with all columns and without
those of opinions; its own seed alone differs. Then one pass predicts each event by every network, as `replay`
does, and learns it once. `--no-stars`: the core sees no stars; opinions are still learned from those of the
warm part. With TOLD_STARS=1 histories then have what the texts tell of them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import numpy as np
from rich.console import Console

from export.registry import Registry
from model.checkpoint import Checkpoint
from model.evaluate import hit_rate, mean_of, ndcg, ndcg_difference
from model.examples import Shard
from model.features import OPINION_FEATURES
from model.schema import F32, Schema, UserInputs
from model.train import Progress, train
from streams.commands.options import add_dataset, add_settings, dataset_from, progress_bar, settings_from
from streams.datasets.dataset import Dataset
from streams.offline.replay.options import ReplayOptions
from streams.offline.replay.preparation import encode_of, read_opinions
from streams.offline.replay.prequential import prediction_of
from streams.offline.replay.result import Prediction
from streams.offline.stream_driver import Prequential
from streams.offline.training.half_lives import adapted
from streams.offline.training.model_schema import schema_of, tasks_of, vocabulary_of
from streams.offline.training.registration import register
from streams.offline.training.warming import Collected, prepare, warm
from streams.ranking.model_in_service import ModelInService
from streams.ranking.user_views import UserViews
from streams.serving.loading import load_in_service

WITHOUT = (*OPINION_FEATURES, "felt", "read")
VARIANTS = {"without": WITHOUT, "with": ()}


def without(shard: Shard, whole: Schema, dropped: Sequence[str]) -> Shard:
    """The shard without these columns."""
    candidates = [k for k, name in enumerate(whole.candidate_features) if name not in dropped]
    steps = [k for k, name in enumerate(whole.history_features) if name not in dropped]
    return replace(
        shard,
        candidate_features=np.ascontiguousarray(shard.candidate_features[..., candidates]),
        history_features=np.ascontiguousarray(shard.history_features[..., steps]),
    )


def narrower() -> None:
    """Have models read as many features of a history's items as they know: those of opinions are the last."""
    whole = ModelInService.user_inputs

    def user_inputs(model: ModelInService, views: UserViews) -> UserInputs:
        width = len(model.schema.history_features)
        features = np.ascontiguousarray(views.history_features[..., :width])
        return whole(model, replace(views, history_features=features))

    ModelInService.user_inputs = user_inputs  # type: ignore[method-assign, assignment]


def trained(
    run: Prequential, collected: Collected, seeds: Sequence[int], registry: Registry, console: Console
) -> dict[str, ModelInService]:
    """A model for each variant and seed, by name."""
    settings, models = run.recommender.settings, {}
    tasks = tasks_of(settings, collected.shards)
    whole = schema_of(run.recommender, tasks)
    vocabulary = vocabulary_of(run.recommender.catalog.ids, settings.model.network)
    for seed in seeds:
        for name, dropped in VARIANTS.items():
            schema = msgspec.structs.replace(
                whole,
                candidate_features=tuple(n for n in whole.candidate_features if n not in dropped),
                history_features=tuple(n for n in whole.history_features if n not in dropped),
            )
            shards, held_out = ([without(each, whole, dropped) for each in part] for part in collected)
            plan = msgspec.structs.replace(settings.model.training, seed=seed)
            progress: list[Progress] = []
            net = train(
                shards, held_out, schema, settings.model.network, plan, tasks, vocabulary, progress.append
            )
            checkpoint, key = Checkpoint(net.to("cpu"), tasks, vocabulary), f"{name}-{seed}"
            register(checkpoint, held_out, registry, key, None, {}, {}, settings.model.export)
            models[key] = load_in_service(registry.get(key), settings.model, run.recommender.pipeline.names)
            console.print(f"trained {key}")
    return models


def predicted(run: Prequential, models: Mapping[str, ModelInService]) -> dict[str, list[Prediction]]:
    """What each model says of each event that is left."""
    found: dict[str, list[Prediction]] = {key: [] for key in models}
    while run.at < len(run.stream.interactions):
        for key, model in models.items():
            run.recommender.serve(model)
            draft, row = run.predict()
            found[key].append(prediction_of(run, draft, row, ()))
        run.learn()
    return found


def said(found: Mapping[str, list[Prediction]], stars: F32, seeds: Sequence[int]) -> list[str]:
    """The figures, with the standard errors of the paired differences."""
    lines = []
    ranked = np.array([each.ranked for each in next(iter(found.values()))])
    ranks = {key: np.array([each.rank for each in made])[ranked] for key, made in found.items()}
    ratings = {key: np.array([each.predicted_rating for each in made]) for key, made in found.items()}
    for key, its in ranks.items():
        root = float(np.sqrt(np.nanmean((ratings[key] - stars) ** 2)))
        lines.append(
            f"{key}: NDCG@10 {ndcg(its).value:.4f}, HR@10 {hit_rate(its).value:.4f}, RMSE {root:.4f}"
        )
    for seed in seeds:
        one, other = ranks[f"with-{seed}"], ranks[f"without-{seed}"]
        gain = ndcg_difference(one, other)
        hits = mean_of(
            ((one > 0) & (one <= 10)).astype(np.float64) - ((other > 0) & (other <= 10)).astype(np.float64)
        )
        lines.append(
            f"with - without, seed {seed}: NDCG@10 {gain.value:+.4f} ± {gain.error:.4f}, "
            f"HR@10 {hits.value:+.4f} ± {hits.error:.4f}"
        )
    return lines


def hidden(dataset: Dataset) -> Dataset:
    """The dataset without its stars."""
    stream = dataset.interactions
    return replace(dataset, interactions=replace(stream, rating=np.full_like(stream.rating, np.nan)))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_dataset(parser)
    add_settings(parser)
    parser.add_argument("--seeds", type=lambda told: [int(each) for each in told.split(",")], default=[7, 8])
    parser.add_argument("--limit", type=int)
    parser.add_argument("--no-stars", action="store_true")
    args = parser.parse_args()
    console, progress = Console(), progress_bar()
    settings = settings_from(args)
    dataset = dataset_from(args, settings).first(args.limit)
    shown = hidden(dataset) if args.no_stars else dataset
    until = len(dataset.interactions) // 2
    settings = adapted(settings, dataset.interactions, until)
    encode, _ = encode_of(shown, ReplayOptions(), settings, until, progress)
    run = prepare(shown, settings, encode, progress)
    run.stream = run.stream._replace(opinions=read_opinions(dataset, settings, until, progress))
    collected = warm(run, until, settings, progress)
    narrower()
    with TemporaryDirectory(prefix="headrace-opinions-") as folder:
        models = trained(run, collected, args.seeds, Registry(Path(folder)), console)
        found = predicted(run, models)
    for line in said(found, dataset.interactions.rating[until:], args.seeds):
        console.print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
