"""A worker: it opens the core, has its parts run on events, and says how it is, from its start to its end."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

from model.errors import BrokerUnavailableError, PartEndedError, StoreUnavailableError
from streams import gc_pauses
from streams.clock import Clock
from streams.kafka.cluster import Cluster
from streams.kafka.dead_letters import KafkaDeadLetters
from streams.kafka.progress_check import check_progress
from streams.kafka.topics import ensure_topics
from streams.serving.compiling import load_compiled
from streams.serving.live import open_live
from streams.settings.tree import Settings
from streams.stores.base import Store
from streams.tracing.tracing import open_tracing
from streams.worker.ending import because_of
from streams.worker.health import Part, Readiness
from streams.worker.index_metrics import collect_indexes
from streams.worker.learner_metrics import collect_learner
from streams.worker.membership import Membership
from streams.worker.metrics import WorkerMetrics
from streams.worker.model_metrics import ModelMetrics
from streams.worker.pulse import BatchPulse, Pulse
from streams.worker.running import Running
from streams.worker.store_watch import StoreWatch
from streams.worker.traced_batches import TracedBatches
from streams.worker.vitals import ended_reader, ended_task
from streams.worker.waiting import Waiting
from streams.worker.writing import RETRY_S

log = logging.getLogger(__name__)

LOOK_EVERY_S = 0.2
"""So often the worker looks whether all of its parts still run."""


class Worker:
    """`start` returns once it reads events, `failed` once it can't go on; `failure` then says why.

    `running`: its parts; None until the core is there.
    """

    def __init__(self, settings: Settings, store: Store, clock: Clock) -> None:
        self.settings, self.store, self.clock = settings, store, clock
        self.metrics = WorkerMetrics()
        self.tracing = open_tracing(settings, "headrace-worker", self.metrics.registry)
        self.pulse, self.progress = Pulse(), BatchPulse()
        self.failure: BaseException | None = None
        self.waiting, self.membership = Waiting(), Membership(settings.kafka)
        self.cluster = Cluster(settings.kafka)
        self.watch = StoreWatch(settings.redis, store, self.metrics)
        self.letters = KafkaDeadLetters(settings.kafka)
        self.running: Running | None = None
        self.trouble = "starting"
        self._core = AsyncExitStack()
        self._stopping = False

    async def start(self) -> None:
        """Returns once it reads events; waits for Kafka and the store where they are away."""
        # First, and alone: where this process has to compile, nothing else in it gets its turn in time.
        await asyncio.to_thread(load_compiled, self.settings)
        await self._until_there(self.watch.check)
        await self._until_there(lambda: ensure_topics(self.settings.kafka))
        await self._until_there(lambda: check_progress(self.settings.kafka, self.store))
        live = await self._core.enter_async_context(
            open_live(
                *(self.settings, self.store, self.clock),
                watcher=ModelMetrics(self.metrics),
                attempt=self._until_there,
            )
        )
        self.running = Running(
            *(live, self.letters, self.metrics, self.clock, self.watch, self.membership, self.waiting),
            None if self.tracing is None else TracedBatches(self.tracing),
        )
        await self.running.start()
        gc_pauses.freeze()
        self.trouble = ""
        log.info("worker reads events")

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
            running = self.running
            if running is not None:
                if not self.trouble:
                    self.cluster.look(running.app.consumer, bool(self._group_trouble()), now_s)
                finished = running.batches.finished
                self.progress.look(now_s, waiting=self._should_move(running, now_s), finished=finished)
            await asyncio.sleep(LOOK_EVERY_S)

    def _ended(self) -> BaseException | None:
        """What has ended that must not; None where all goes on. What Faust restarts is over all the same."""
        if self.running is None:
            return None
        app = self.running.app
        if app.should_stop:
            reason: BaseException | None = app.crash_reason
            return reason or PartEndedError("the Faust app has stopped by itself")
        return ended_reader(app.consumer, app.should_stop) or ended_task(self.running.tasks())

    def _should_move(self, running: Running, now_s: float) -> bool:
        """Whether events wait, and for nothing that is known to be away or under way.

        A group that does not settle although Kafka answers is none of these.
        """
        if self.trouble or running.store_trouble or self.cluster.missing or not running.live.replica.sound:
            return False
        if self._group_trouble():
            return self.cluster.answers(now_s)
        return running.batches.busy or running.intake.queued() > 0

    def unwell(self) -> str:
        """Why the process must be restarted; "" while it is alive. Asked in any thread."""
        worker = self.settings.worker
        if self.failure is not None:
            return because_of(self.failure).reason
        if self._stopping:
            return ""
        running = self.running
        if running is not None and running.app.should_stop:
            return because_of(running.app.crash_reason or PartEndedError("the Faust app has stopped")).reason
        if (still_s := self.pulse.still_s()) > worker.loop_deadline_s:
            return f"the event loop has stood still for {still_s:.1f} s"
        if (late_s := self.progress.late_s) > worker.batch_deadline_s:
            why = self._group_trouble() or "events wait"
            return f"no batch was finished for {late_s:.0f} s, although nothing is away: {why}"
        return ""

    async def stop(self) -> None:
        """Stop what runs, close the core, and let go of Kafka and the store."""
        self._stopping, self.trouble = True, "stopping"
        if self.running is not None:
            await self.running.stop()
        await self._core.aclose()
        await self.letters.stop()
        await self.store.close()
        if self.tracing is not None:
            await asyncio.to_thread(self.tracing.close)

    def _kafka_trouble(self) -> str:
        if self.trouble and self._group_trouble():
            return self.trouble
        if missing := self.cluster.missing:
            return f"Kafka has no topic {', '.join(missing)}; headrace topics makes what is missing"
        return self._group_trouble()

    def _group_trouble(self) -> str:
        """Why it is in doubt that this worker has its partitions; "" where it is not."""
        app = None if self.running is None else self.running.app
        assigning = app is None or app.consumer is None or app.rebalancing
        return self.membership.trouble or ("partitions are being assigned" if assigning else "")

    def readiness(self) -> Readiness:
        """What `/readyz` answers."""
        running = self.running
        store = self.watch.trouble if running is None else running.store_trouble
        sound = running is not None and running.live.replica.sound
        parts = {
            "kafka": _part(self._kafka_trouble()),
            "store": Part(not store, store or self.watch.warning),
            "lag": _part("" if running is None else running.lag.trouble),
            "ledger": _part("" if sound else "the counters are being read"),
            "model": Part(True, "" if running is None else running.live.models.said),
            "experiments": Part(True, "" if running is None else running.live.experiments.said),
        }
        if self.trouble:
            parts["stop" if self._stopping else "start"] = Part(False, self.trouble)
        ready = all(part.ready for part in parts.values())
        self.metrics.ready.set(ready)
        return Readiness(ready, parts, {} if running is None else running.live.models.facts())

    def silent(self) -> None:
        """The event loop has not answered: the metrics say that it is not ready."""
        self.metrics.ready.set(0)

    def collect(self) -> None:
        """Bring up to date what is only worth its price when somebody looks."""
        self.readiness()
        if self.running is not None:
            self.running.batches.counting.catch_up()
            self.metrics.queued_events.set(self.running.intake.queued())
            collect_indexes(self.running.live.recommender.pipeline.indexes, self.metrics)
            collect_learner(self.running.live.recommender, self.metrics)


def _part(trouble: str) -> Part:
    return Part(not trouble, trouble)
