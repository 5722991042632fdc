"""A worker put together: store, replica, models, batches, chores and the Faust app, started and stopped in
order.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from model.errors import BrokerUnavailableError, StoreUnavailableError
from streams import garbage
from streams.clock import Clock
from streams.settings import Settings
from streams.stores.base import Store
from streams.topics import ensure_topics
from streams.worker.app import Intake, KafkaLog, create_app
from streams.worker.batches import Batches
from streams.worker.chores import Chores
from streams.worker.dead_letters import KafkaDeadLetters
from streams.worker.graph import load_graph
from streams.worker.health import HealthServer, Part, Readiness
from streams.worker.lag_watch import LagWatch
from streams.worker.metrics import WorkerMetrics
from streams.worker.models import RegistryModels
from streams.worker.positions import check_progress
from streams.worker.reading import Reader
from streams.worker.replica import Replica
from streams.worker.warm_up import warm_up
from streams.worker.writing import RETRY_S

if TYPE_CHECKING:
    from streams.worker.examples_log import ExamplesLog

if TYPE_CHECKING:
    from streams.worker.examples_log import ExamplesLog

log = logging.getLogger(__name__)


class Worker:
    """`start` returns once it reads events; `crashed` is done when it can't go on."""

    def __init__(self, settings: Settings, store: Store, clock: Clock, listener: socket.socket) -> None:
        self.settings, self.store, self.clock = settings, store, clock
        self.metrics = WorkerMetrics()
        self.replica = Replica(settings, store, clock)
        self.models = RegistryModels(settings.model, store, self.replica, self.metrics)
        self.letters = KafkaDeadLetters(settings.kafka)
        self.kafka = KafkaLog(settings)
        self.examples = _examples_log(settings, self.metrics, clock)
        logged = self.examples is not None
        self.reader = Reader(settings.events, clock, self.metrics, self.models.check, searches=logged)
        self.batches = Batches(
            settings,
            store,
            self.replica,
            self.models,
            self.reader,
            self.letters,
            self.kafka,
            self.metrics,
            clock,
            self.examples,
        )
        self.intake = Intake(settings, self.batches)
        self.lag = LagWatch(
            self.kafka, settings.worker.stalled_after_s, self.metrics, lambda: bool(self._waiting())
        )
        self.chores = Chores(
            settings, store, self.replica, self.models, self.batches.make_sound, self.metrics, clock
        )
        self.health = HealthServer(listener, self.metrics.registry, self.readiness, self._collect)
        self.app: Any = None
        self.trouble = "starting"

    async def start(self) -> None:
        """Health first, so that a worker that waits for Kafka or the store can be asked what it waits for."""
        await self.health.start()
        # First, and alone: where it has to compile, nothing else in this process gets its turn in time.
        await asyncio.to_thread(warm_up, self.settings)
        await self._until_there(lambda: ensure_topics(self.settings.kafka))
        loading = asyncio.create_task(asyncio.to_thread(self.models.load_encoder))
        await self._until_there(lambda: check_progress(self.settings.kafka, self.store))
        self.replica.graph = await asyncio.to_thread(load_graph, self.settings.graph)
        await self._until_there(self._rebuild)
        await self._until_there(self.models.start)
        self.reader.encode = await loading
        self.chores.start()
        if self.examples is not None:
            self.examples.start()
        self.app = self.kafka.app = create_app(self.settings, self.intake)
        await self.app.start()
        self.lag.start()
        garbage.freeze()
        self.trouble = ""
        log.info("worker reads events")

    async def _rebuild(self) -> None:
        async with self.replica.lock:
            await self.replica.rebuild()

    async def _until_there(self, step: Callable[[], Awaitable[None]]) -> None:
        pause_s, longest_s = RETRY_S
        while True:
            try:
                await step()
            except (StoreUnavailableError, BrokerUnavailableError) as error:
                if self.trouble != str(error):
                    log.warning("waiting: %s", error)
                self.trouble = str(error)
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, longest_s)
            else:
                return

    async def failed(self) -> BaseException:
        """Returns, with the reason, once the worker can't go on."""
        await self.app.wait_until_stopped()
        reason: BaseException | None = self.app.crash_reason
        return reason or RuntimeError("the Faust app stopped by itself")

    async def stop(self) -> None:
        """Stop fetching, finish the batch in flight, commit offsets, leave the group."""
        await self.intake.drain()
        await self.lag.stop()
        if self.app is not None:
            await self.app.stop()
        await self.chores.stop()
        if self.examples is not None:
            await self.examples.stop()
        await self.models.stop()
        await self.letters.stop()
        await self.store.close()
        await self.health.stop()

    def readiness(self) -> Readiness:
        """What `/readyz` answers."""
        assigned = self.app is not None and self.app.consumer is not None and not self.app.rebalancing
        parts = {
            "kafka": Part(assigned, "" if assigned else self.trouble or "partitions are being assigned"),
            "store": _part(self._waiting()),
            "lag": _part(self.lag.trouble),
            "ledger": _part("" if self.replica.sound else "the counters are being read"),
            "model": Part(True, self.models.trouble),
        }
        if self.trouble:
            parts["start"] = Part(False, self.trouble)
        ready = all(part.ready for part in parts.values())
        self.metrics.ready.set(ready)
        model = {
            "name": self.models.name,
            "provider": self.models.provider,
            "fell_back": self.models.fell_back,
        }
        return Readiness(ready, parts, model)

    def _collect(self) -> None:
        """Bring the gauges up to date that are only worth their price when somebody looks."""
        self.readiness()
        self.metrics.queued_events.set(self.intake.queued())

    def _waiting(self) -> str:
        return self.batches.trouble or self.chores.trouble


def _examples_log(settings: Settings, metrics: WorkerMetrics, clock: Clock) -> ExamplesLog | None:
    if not settings.examples.folder:
        return None
    # Imported here: a worker that logs none does without Arrow.
    from streams.worker.examples_log import ExamplesLog

    return ExamplesLog(settings, metrics, clock)


def _part(trouble: str) -> Part:
    return Part(not trouble, trouble)
