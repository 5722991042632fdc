"""The data in the store before a load: ml-100k's first half, or a synthetic catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from export.registry import Registry
from streams.bench.schedule import Arrivals
from streams.bench.synthetic import catalogue, warm_core
from streams.bench.worded import Spelt, queries_for, worded
from streams.bench.workload import acting, zipf
from streams.clock import SystemClock
from streams.demo.prepare import DemoOptions, Prepared, prepared
from streams.demo.progress import Steps
from streams.demo.seed import seed
from streams.kafka.topics import ensure_topics
from streams.recommender import Recommender
from streams.serving.loading import load_in_service, texts_by
from streams.settings.tree import Settings
from streams.state.catalog import ItemRecord
from streams.state.user_state import UserState
from streams.stores.redis.store import RedisStore

WARM_EVENTS = 50_000


@dataclass(frozen=True)
class BenchOptions:
    """`items` 0: ml-100k's; else a synthetic catalogue of this size. `folder`: holds the model; `limit`: the
    training uses only the first part of this many events. `worded`: whether synthetic items have titles and
    texts to be searched, `spelt`: of what words.
    """

    rates: tuple[float, ...] = (100.0, 300.0, 600.0, 1_000.0)
    seconds: float = 20.0
    warm_seconds: float = 5.0
    items: int = 0
    users: int = 1_000
    workers: int = 1
    arrivals: Arrivals = "poisson"
    connections: int = 32
    per_request: int = 1
    direct: bool = False
    seed: int = 7
    folder: Path = Path("var/demo")
    limit: int | None = None
    worded: bool = False
    spelt: Spelt = "random"


class World(NamedTuple):
    """The data to seed the store with, and the distributions from which the load draws. `queries`: searches
    for what stands in the items' titles.
    """

    core: Recommender
    states: dict[str, UserState]
    records: dict[str, ItemRecord]
    settings: Settings
    users: list[str]
    items: list[str]
    popularity: list[float]
    queries: Sequence[str] = ()


def world_of(options: BenchOptions, settings: Settings, steps: Steps) -> World:
    """Prepare the world; trains the model first if the folder holds none."""
    ready = prepared(
        DemoOptions(folder=options.folder, limit=options.limit), settings, SystemClock(), steps.say
    )
    # The demo logs examples, each for half a millisecond; the benchmark does so only if the settings say so.
    ready = replace(ready, settings=msgspec.structs.replace(ready.settings, examples=settings.examples))
    if options.items:
        return _synthetic(options, ready)
    counts = ready.run.recommender.counters.popularity.total
    items = ready.run.recommender.catalog.ids
    return World(
        ready.run.recommender,
        ready.run.states,
        ready.records(),
        ready.settings,
        acting(sorted(ready.run.states), options.users),
        list(items),
        (np.asarray(counts[: len(items)], np.float64) + 1.0).tolist(),
    )


def _synthetic(options: BenchOptions, ready: Prepared) -> World:
    now, settings = SystemClock().now_ms(), ready.settings
    records = catalogue(options.items, ready.run.recommender.catalog.text.shape[1], now, options.seed)
    queries = []
    if options.worded:
        records = worded(records, options.seed, options.spelt)
        queries = queries_for([record.title for record in records.values()], options.seed)
    core, states = warm_core(settings, records, options.users, WARM_EVENTS, now, options.seed)
    folder = Path(settings.model.registry) / ready.model
    core.serve(load_in_service(folder, settings.model, core.pipeline.names))
    popularity = zipf(options.items).tolist()
    return World(core, states, records, settings, list(states), list(records), popularity, queries)


async def seed_world(world: World) -> None:
    """Create the topics and fill the store."""
    await ensure_topics(world.settings.kafka)
    store = RedisStore(world.settings.redis, world.settings.state, world.settings.learning)
    try:
        by = texts_by(world.settings.model, Registry(Path(world.settings.model.registry)))
        await seed(store, world.core, world.states, world.records, SystemClock(), by)
    finally:
        await store.close()
