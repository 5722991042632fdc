"""What a serving process holds, as one object: a replica of catalog and counters with the graph, the text
encoder, and the models. It is whole when it exists.

    async with open_live(settings, store, clock) as live:
        async with live.replica.lock:
            slates = await live.replica.core.call(live.recommender.recommend, requests)

A worker opens it to write: its batches and chores keep it up with the ledger. Whatever else ranks opens it
`read_only`: it follows the ledger by itself, and can't write to the store.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from export.registry import Registry
from streams.cancelling import cancelled
from streams.clock import Clock
from streams.recommender import OnForgotten, Recommender
from streams.serving.arms import check_arms
from streams.serving.background import in_thread
from streams.serving.experiments import ServedExperiments
from streams.serving.follower import Follower
from streams.serving.graph import load_graph
from streams.serving.item_watch import ItemWatch
from streams.serving.loading import load_encoder, texts_by
from streams.serving.memory import give_back, give_back_code, return_large_arrays
from streams.serving.model_watcher import LogOnly, ModelWatcher
from streams.serving.models import RegistryModels
from streams.serving.opining import Opining
from streams.serving.replica import Replica
from streams.serving.unknown_tokens import WatchedEncoder
from streams.settings.tree import Settings
from streams.state.event_meaning import Encode
from streams.stores.base import Store
from streams.stores.read_only import ReadOnlyStore

Step = Callable[[], Awaitable[None]]
Attempt = Callable[[Step], Awaitable[None]]
"""Takes a step that needs the store, and may take it again where the store is away."""

LONGEST_TURN_S = 0.5
"""A follower asks the ledger this often at least: it is never a second behind one that answers."""


@dataclass(frozen=True)
class Live:
    """`encode`: texts to vectors; None where no text encoder is registered, or none was asked for. `opine`:
    the same with what reviews say; None where nothing reads that.

    `experiments` are those that the registry had when this was opened; the owner has them follow.
    `following` runs for as long as this is open for reading only; None where the owner follows the ledger. It
    ends early by an error that time does not mend, such as what a newer build has stored.
    """

    settings: Settings
    store: Store
    replica: Replica
    models: RegistryModels
    encode: Encode | None
    experiments: ServedExperiments
    follower: Follower | None = None
    following: asyncio.Task[None] | None = None
    opine: Opining | None = None

    @property
    def recommender(self) -> Recommender:
        """The core as it is now. It is another object after the counters were read anew."""
        return self.replica.recommender

    @property
    def trouble(self) -> str:
        """Why nothing should be ranked just now, or why the counters grow old; "" where all is well."""
        if self.following is not None and self.following.done():
            error = None if self.following.cancelled() else self.following.exception()
            return f"the ledger is followed no more: {error or 'this is closed'}"
        if not self.replica.sound:
            return "the counters are being read"
        return "" if self.follower is None else self.follower.trouble


async def once(step: Step) -> None:
    """Takes a step a single time: where the store is away, nothing is opened."""
    await step()


@asynccontextmanager
async def open_live(
    settings: Settings,
    store: Store,
    clock: Clock,
    *,
    read_only: bool = False,
    texts: bool = True,
    watcher: ModelWatcher | None = None,
    items: ItemWatch | None = None,
    on_forgotten: OnForgotten | None = None,
    attempt: Attempt = once,
) -> AsyncIterator[Live]:
    """Everything that ranks, for as long as the block lasts. The store stays the caller's to close.

    read_only: it writes nothing and takes no lease, and follows the ledger by itself.
    texts: whether the text encoder is loaded. items: is told of the items, from the first one on.
    on_forgotten: as the recommender has it; called in the core's thread.

    Raises `SettingsError` where an arm names a model that can't be served, `DataError` for a graph that can't
    be read, `ModelError` for the active model, `StoreUnavailableError` where `attempt` gives up. Nothing
    stays behind then.
    """
    return_large_arrays()
    watcher = watcher or LogOnly()
    registry = Registry(Path(settings.model.registry))
    store = ReadOnlyStore(store) if read_only else store
    async with contextlib.AsyncExitStack() as opened:
        await in_thread(check_arms, settings, registry)
        graph = await in_thread(load_graph, settings.graph)
        replica = Replica(settings, store, clock, graph, items, read_only, on_forgotten)
        if texts:
            replica.texts_by = await in_thread(texts_by, settings.model, registry)
        opened.push_async_callback(replica.close)
        models = RegistryModels(settings, store, replica, watcher, confirms=not read_only)
        opened.push_async_callback(models.close)
        # It is read while the counters are, which takes about as long.
        reading: asyncio.Task[WatchedEncoder | None] | None = None
        if texts:
            reading = asyncio.create_task(
                in_thread(load_encoder, settings.model, registry, models.loader.runs_elsewhere)
            )
            opened.push_async_callback(_end, reading)

        async def rebuild() -> None:
            async with replica.lock:
                await replica.rebuild(mend=not read_only)

        await attempt(rebuild)
        await attempt(models.start)
        experiments = ServedExperiments(store, replica, models)
        await attempt(experiments.begin)
        encode = await reading if reading is not None else None
        opine = None if encode is None else encode.opine
        await in_thread(give_back)
        await in_thread(give_back_code)
        if not read_only:
            yield Live(settings, store, replica, models, encode, experiments, opine=opine)
            return
        follower = Follower(replica, models, lambda: _recover(replica))
        every_s = min(settings.worker.ledger_every_ms / 1_000, LONGEST_TURN_S)
        following = asyncio.create_task(follower.run(every_s), name="following the ledger")
        opened.push_async_callback(_end, following)
        opened.push_async_callback(_end, asyncio.create_task(experiments.run(), name="following experiments"))
        yield Live(settings, store, replica, models, encode, experiments, follower, following, opine)


async def _recover(replica: Replica) -> None:
    if not replica.sound:
        await replica.rebuild(mend=False)


async def _end(task: asyncio.Task[object]) -> None:
    """What came of it has been told, or is of no use any more."""
    await cancelled(task)
    if not task.cancelled():
        task.exception()
