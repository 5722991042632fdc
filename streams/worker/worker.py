"""A worker put together: store, replica, models, batches, chores and the Faust app, started and stopped in
order.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from model.errors import BrokerUnavailableError, PartEndedError, StoreUnavailableError
from streams import gc_pauses
from streams.clock import Clock
from streams.kafka.cluster import Cluster
from streams.kafka.dead_letters import KafkaDeadLetters
from streams.kafka.kafka_log import KafkaLog
from streams.kafka.progress_check import check_progress
from streams.kafka.topics import ensure_topics
from streams.serving.graph import load_graph
from streams.serving.replica import Replica
from streams.serving.warm_up import warm_up
from streams.settings.tree import Settings
from streams.stores.base import Store
from streams.worker.app import create_app
from streams.worker.batches import Batches
from streams.worker.chores import Chores
from streams.worker.ending import because_of
from streams.worker.health import Part, Readiness
from streams.worker.intake import BatchIntake
from streams.worker.lag_watch import LagWatch
from streams.worker.membership import Membership
from streams.worker.metrics import WorkerMetrics
from streams.worker.models import RegistryModels
from streams.worker.pulse import BatchPulse, Pulse
from streams.worker.reading import Reader
from streams.worker.store_watch import StoreWatch
from streams.worker.vitals import ended_reader, ended_task
from streams.worker.waiting import Waiting
from streams.worker.writing import RETRY_S

if TYPE_CHECKING:
    from streams.worker.examples_log import ExamplesLog

log = logging.getLogger(__name__)

LOOK_EVERY_S = 0.2
"""So often the worker looks whether all of its parts still run."""


class Worker:
    """`start` returns once it reads events, `failed` once it can't go on; `failure` then says why."""

    def __init__(self, settings: Settings, store: Store, clock: Clock) -> None:
        self.settings, self.store, self.clock = settings, store, clock
        self.metrics = WorkerMetrics()
        self.pulse, self.progress = Pulse(), BatchPulse()
        self.failure: BaseException | None = None
        self.waiting, self.membership = Waiting(), Membership(settings.kafka)
        self.cluster = Cluster(settings.kafka)
        self.watch = StoreWatch(settings.redis, store, self.metrics)
        self.replica = Replica(settings, store, clock)
        self.models = RegistryModels(settings.model, store, self.replica, self.metrics)
        self.letters = KafkaDeadLetters(settings.kafka)
        self.kafka = KafkaLog(settings)
        self.examples = _examples_log(settings, self.metrics, clock)
        logged = self.examples is not None
        names = settings.meanings.names
        self.reader = Reader(
            settings.events, clock, self.metrics, self.models.check, searches=logged, actions=names
        )
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
            self.waiting,
        )
        self.intake = BatchIntake(settings, self.batches)
        self.lag = LagWatch(
            self.kafka,
            settings.worker.stalled_after_s,
            self.metrics,
            lambda: bool(self._store_trouble()),
            in_turn=self.intake.in_turn,
            done=lambda standings: self.waiting.done({at: each.offset for at, each in standings.items()}),
        )
        self.chores = Chores(
            *(settings, store, self.replica, self.models, self.batches.recover, self.metrics, clock),
            self.watch,
        )
        self.app: Any = None
        self.trouble = "starting"
        self._stopping = False

    async def start(self) -> None:
        """Returns once it reads events; waits for Kafka and the store where they are away."""
        # First, and alone: where it has to compile, nothing else in this process gets its turn in time.
        await asyncio.to_thread(warm_up, self.settings)
        await self._until_there(self.watch.check)
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
        self.app = self.kafka.app = create_app(self.settings, self.intake, self.membership, self.waiting)
        await self.app.start()
        self.lag.start()
        gc_pauses.freeze()
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
        """Returns, with the reason, once the worker can't go on; also while it starts."""
        while True:
            if (reason := self._ended()) is not None:
                return reason
            now_s = time.monotonic()
            if self.app is not None and not self.trouble:
                self.cluster.look(self.app.consumer, bool(self._group_trouble()), now_s)
            self.progress.look(now_s, waiting=self._should_move(now_s), finished=self.batches.finished)
            await asyncio.sleep(LOOK_EVERY_S)

    def _ended(self) -> BaseException | None:
        """What has ended that must not; None where all goes on. What Faust restarts is over all the same."""
        if self.app is not None and self.app.should_stop:
            reason: BaseException | None = self.app.crash_reason
            return reason or PartEndedError("the Faust app has stopped by itself")
        if self.app is not None and (reason := ended_reader(self.app.consumer, self.app.should_stop)):
            return reason
        rotating = self.examples.rotating if self.examples is not None else None
        return ended_task(
            [
                *((task.get_name(), task) for task in self.chores.tasks),
                ("loading a model", self.models.loading),
                ("the examples log", rotating),
            ]
        )

    def _should_move(self, now_s: float) -> bool:
        """Whether events wait, and for nothing that is known to be away or under way.

        A group that does not settle although Kafka answers is none of these.
        """
        if self.trouble or self._store_trouble() or self.cluster.missing or not self.replica.sound:
            return False
        if self._group_trouble():
            return self.cluster.answers(now_s)
        return self.batches.busy or self.intake.queued() > 0

    def unwell(self) -> str:
        """Why the process must be restarted; "" while it is alive. Asked in any thread."""
        worker = self.settings.worker
        if self.failure is not None:
            return because_of(self.failure).reason
        if self._stopping:
            return ""
        if self.app is not None and self.app.should_stop:
            return because_of(self.app.crash_reason or PartEndedError("the Faust app has stopped")).reason
        if (still_s := self.pulse.still_s()) > worker.loop_deadline_s:
            return f"the event loop has stood still for {still_s:.1f} s"
        if (late_s := self.progress.late_s) > worker.batch_deadline_s:
            why = self._group_trouble() or "events wait"
            return f"no batch was finished for {late_s:.0f} s, although nothing is away: {why}"
        return ""

    async def stop(self) -> None:
        """Stop fetching, finish the batch in flight, commit offsets, leave the group."""
        self._stopping, self.trouble = True, "stopping"
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

    def _kafka_trouble(self) -> str:
        if self.trouble and self._group_trouble():
            return self.trouble
        if missing := self.cluster.missing:
            return f"Kafka has no topic {', '.join(missing)}; headrace topics makes what is missing"
        return self._group_trouble()

    def _group_trouble(self) -> str:
        """Why it is in doubt that this worker has its partitions; "" where it is not."""
        assigning = self.app is None or self.app.consumer is None or self.app.rebalancing
        return self.membership.trouble or ("partitions are being assigned" if assigning else "")

    def _store_trouble(self) -> str:
        return self.batches.trouble or self.chores.trouble or self.watch.trouble

    def readiness(self) -> Readiness:
        """What `/readyz` answers."""
        store = self._store_trouble()
        parts = {
            "kafka": _part(self._kafka_trouble()),
            "store": Part(not store, store or self.watch.warning),
            "lag": _part(self.lag.trouble),
            "ledger": _part("" if self.replica.sound else "the counters are being read"),
            "model": Part(True, self.models.trouble),
        }
        if self.trouble:
            parts["stop" if self._stopping else "start"] = Part(False, self.trouble)
        ready = all(part.ready for part in parts.values())
        self.metrics.ready.set(ready)
        model = {
            "name": self.models.name,
            "provider": self.models.provider,
            "fell_back": self.models.fell_back,
        }
        return Readiness(ready, parts, model)

    def silent(self) -> None:
        """The event loop has not answered: the metrics say that it is not ready."""
        self.metrics.ready.set(0)

    def collect(self) -> None:
        """Bring the gauges up to date that are only worth their price when somebody looks."""
        self.readiness()
        self.metrics.queued_events.set(self.intake.queued())


def _examples_log(settings: Settings, metrics: WorkerMetrics, clock: Clock) -> ExamplesLog | None:
    if not settings.examples.folder:
        return None
    # Imported here: a worker that logs none does without Arrow.
    from streams.worker.examples_log import ExamplesLog

    return ExamplesLog(settings, metrics, clock)


def _part(trouble: str) -> Part:
    return Part(not trouble, trouble)
