"""The replay of shown lists: each list of the second part is ranked by every system, and then learned.

The first part warms the core, trains the net on the choices of its first `TRAINED` lists, and lets the
learner begin on the others, which the net has not seen. "Second part" is counted in lists with a click.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import msgspec

from export.registry import Registry
from model.errors import DataError
from streams.datasets.dataset import Dataset
from streams.datasets.interactions import Interactions
from streams.offline.replay.impressions.adapted import Adapted
from streams.offline.replay.impressions.drift import reversed_from
from streams.offline.replay.impressions.item_prices import with_item_prices
from streams.offline.replay.impressions.judge import Judge
from streams.offline.replay.impressions.listed_stream import ListedStream
from streams.offline.replay.impressions.live_net import can_learn
from streams.offline.replay.impressions.live_systems import LiveSystems
from streams.offline.replay.impressions.outcomes import ListsResult
from streams.offline.replay.impressions.waiting import fitting_wait, roomy
from streams.offline.replay.options import Progress, ReplayOptions
from streams.offline.replay.preparation import encode_of
from streams.offline.training.fit import fit
from streams.offline.training.half_lives import adapted
from streams.offline.training.warming import announce, stream_of, warm
from streams.ranking.model_in_service import ModelInService
from streams.recommender import Recommender
from streams.serving.loading import load_in_service
from streams.settings.tree import Settings

TRAINED = 0.7
"""The share of the first part that trains the net; the learner begins on the rest of it."""
BEFORE_LEARNING = 0.1
"""The share of the first part that the core only learns where no net is trained."""


class Parts(NamedTuple):
    """The events at which the learner begins, and at which the second part does."""

    begins: int
    second: int


def parts_of(stream: Interactions, options: ReplayOptions) -> Parts:
    """By lists with a click; `DataError` where there are too few."""
    assert stream.shown is not None
    assert stream.slate is not None
    clicked = set(stream.slate)
    at = [k for k, slates in enumerate(stream.shown) for slate in slates if slate.slate_id in clicked]
    first = int(len(at) * options.warm)
    if first < 1 or first >= len(at):
        raise DataError(
            f"{len(at)} lists with a click can't be parted at {options.warm}; at least one must come on each "
            "side"
        )
    share = TRAINED if options.model is None else BEFORE_LEARNING
    return Parts(at[int(first * share)], at[first])


def replay_lists(
    dataset: Dataset, options: ReplayOptions, settings: Settings, progress: Progress
) -> ListsResult:
    """Replay the lists of a dataset; `DataError` where it has none, or too few."""
    dataset = with_item_prices(dataset.first(options.limit))
    stream = dataset.interactions
    if stream.shown is None or stream.slate is None:
        raise DataError(
            "--impressions: the interactions have no lists of what was shown; name their column, as in --map "
            "impressions=COLUMN (docs/data.md, Impressions)"
        )
    parts = parts_of(stream, options)
    settings = fitting_wait(adapted(settings, stream, parts.second), stream, parts.second)
    # The core's own scores stay the net's: the learner here is one of the systems that are compared.
    reweighting, off = settings.reweighting, msgspec.structs.replace(settings.reweighting, enabled=False)
    settings = msgspec.structs.replace(roomy(settings, stream), reweighting=off)
    if options.plant_drift:
        dataset = replace(dataset, interactions=reversed_from(stream, parts.second))
    began = time.perf_counter()
    run, model, notes = prepared(dataset, options, settings, parts, progress)
    learner = Adapted(reweighting, run)
    live = None
    if can_learn():
        live = LiveSystems(settings.model.lists, reweighting, run, options.seed)
    else:
        notes = (*notes, "no net of lists: it needs the extra train")
    judge = Judge(run, learner, model is not None, options.seed, live)
    judge.prime(run.at)
    run.judges, run.hears = judge.take, judge.hear
    middle, total = began, len(stream)
    while run.at < total:
        k = run.at
        if k == parts.second:
            judge.begin()
            middle = time.perf_counter()
        judge.click(run.learn(), k)
        progress("ranking lists", k + 1 - parts.begins, total - parts.begins)
    before = [sum(map(len, stream.shown[:k])) for k in (parts.begins, parts.second, total)]
    outcomes = judge.outcomes()
    return ListsResult(
        outcomes=outcomes,
        weights=learner.weights(len(outcomes)),
        net="" if model is None else model.name,
        lists=before[2],
        warm_lists=before[1],
        began=before[0],
        unclicked=judge.unclicked,
        events=total,
        users=len(set(stream.user)),
        items=len(run.recommender.catalog),
        drifts=options.plant_drift,
        seed=options.seed,
        seconds=time.perf_counter() - middle,
        warm_seconds=middle - began,
        lessons=learner.learner.counts(),
        signals=tuple(learner.learner.signals),
        live=None if live is None else live.result(len(outcomes)),
        notes=(*notes, f"a list waits {settings.learning.wait_s:,.0f} s for answers (learning.wait_s)"),
    )


def prepared(
    dataset: Dataset, options: ReplayOptions, settings: Settings, parts: Parts, progress: Progress
) -> tuple[ListedStream, ModelInService | None, tuple[str, ...]]:
    """The core at the event where the learner begins, with the net in service, and notes."""
    encode, notes = encode_of(dataset, options, settings, parts.begins, progress)
    core = Recommender(settings, dataset.graph)
    run = ListedStream(core, stream_of(dataset, encode, progress), options.arm)
    announce(run, dataset, encode, progress)
    sources = core.pipeline.names
    if options.model is not None:
        model = (
            None if options.model == "none" else load_in_service(Path(options.model), settings.model, sources)
        )
        core.serve(model)
        run.warm(parts.begins, None, parts.begins, lambda done: progress("warming", done, parts.begins))
        return run, model, notes
    collected = warm(run, parts.begins, settings, progress)
    with TemporaryDirectory(prefix="headrace-replay-") as folder:
        registry = Registry(Path(folder))
        fit(run, collected, registry, "replay", progress)
        model = load_in_service(registry.get("replay"), settings.model, sources)
    core.serve(model)
    return run, model, notes
