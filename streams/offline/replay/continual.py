"""Continual training in a replay: after every so many events the model goes on learning from them.

Each event is an example the moment before it is learned, as workers log examples. A renewal learns from the
new ones and from as many older ones, drawn at random, which keep it from forgetting; it is exported in the
precision that is served. It serves in any case: what is measured is continual training. A running system puts
a renewal into service only where it is better by more than the noise (`streams.offline.renewal`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import numpy as np

from export.registry import Registry
from model.checkpoint import Checkpoint
from model.examples import Shard
from streams.examples.collector import ExampleCollector
from streams.offline.renewal.continued import fine_tuned, plan_of
from streams.offline.replay.options import Progress
from streams.offline.stream_driver import Prequential
from streams.offline.training.registration import register
from streams.offline.training.warming import Collected
from streams.ranking.model_in_service import ModelInService
from streams.serving.loading import load_in_service
from streams.settings.tree import Settings


class Continual:
    """`every`: events between two renewals. `collected`: what `checkpoint` was trained and judged on."""

    def __init__(
        self,
        run: Prequential,
        checkpoint: Checkpoint,
        collected: Collected,
        settings: Settings,
        every: int,
        progress: Progress,
    ) -> None:
        self.run, self.checkpoint, self.settings, self.every = run, checkpoint, settings, every
        self.progress = progress
        self._judged = collected.held_out or collected.shards  # too short a stream holds none out
        self.renewals = 0
        self._older = [*collected.shards]
        self._collector = ExampleCollector(run.recommender, settings.seed)
        self._seen = 0

    def take(self) -> None:
        """Make the next event an example; to be called before it is learned."""
        self.run.collect(self._collector)
        self._seen += 1

    def renew(self) -> ModelInService | None:
        """The model after the last `every` events, once there are so many; None where nothing is due."""
        if self._seen < self.every:
            return None
        self._seen = 0
        new = self._collector.drain()
        if not new:
            return None
        self.renewals += 1
        seed = self.settings.seed + self.renewals
        wanted = round(self.settings.renewal.replay * sum(len(each) for each in new))
        learn = [*drawn(self._older, wanted, seed), *new]
        met = (item for each in new for item in each.items.tolist())
        plan = msgspec.structs.replace(plan_of(self.settings), seed=seed, window=len(learn))
        self.checkpoint = fine_tuned(self.checkpoint, learn, met, plan, self._renewing)
        self._older += new
        return self._served()

    def _served(self) -> ModelInService:
        model, name = self.settings.model, f"renewal-{self.renewals}"
        counters = msgspec.to_builtins(self.settings.counters)
        with TemporaryDirectory(prefix="headrace-replay-") as folder:
            registry = Registry(Path(folder))
            register(self.checkpoint, self._judged, registry, name, None, {}, counters, model.export)
            return load_in_service(registry.get(name), model, self.run.recommender.pipeline.names)

    def _renewing(self, _stage: str, done: int, total: int) -> None:
        self.progress("renewing", done, total)


def drawn(shards: Sequence[Shard], wanted: int, seed: int) -> list[Shard]:
    """So many examples of the shards, or all of them, at random and without replacement."""
    ends = np.cumsum([0, *(len(each) for each in shards)])
    wanted = min(wanted, int(ends[-1]))
    chosen = np.sort(np.random.default_rng(seed).choice(int(ends[-1]), wanted, replace=False))
    owner = np.searchsorted(ends, chosen, side="right") - 1
    return [shards[k].rows(chosen[owner == k] - ends[k]) for k in np.unique(owner)]
