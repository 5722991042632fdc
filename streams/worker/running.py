"""The parts of a worker that has its core: what reads events, folds them, and does the chores; started and
stopped in order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from streams.clock import Clock
from streams.kafka.dead_letters import KafkaDeadLetters
from streams.kafka.kafka_log import KafkaLog
from streams.serving.live import Live
from streams.worker.app import create_app
from streams.worker.batches import Batches
from streams.worker.chores import Chores
from streams.worker.intake import BatchIntake
from streams.worker.lag_watch import LagWatch
from streams.worker.membership import Membership
from streams.worker.metrics import WorkerMetrics
from streams.worker.reading import Reader
from streams.worker.report_writer import ReportWriter
from streams.worker.reporting import Reporting, WorkerStanding
from streams.worker.store_watch import StoreWatch
from streams.worker.traced_batches import TracedBatches
from streams.worker.waiting import Waiting

if TYPE_CHECKING:
    from streams.worker.examples_log import ExamplesLog


class Running:
    """Whole when it exists; `start` returns once events are read."""

    def __init__(
        self,
        live: Live,
        letters: KafkaDeadLetters,
        metrics: WorkerMetrics,
        clock: Clock,
        watch: StoreWatch,
        membership: Membership,
        waiting: Waiting,
        traces: TracedBatches | None = None,
    ) -> None:
        settings, store = live.settings, live.store
        self.live, self.watch = live, watch
        self.kafka = KafkaLog(settings)
        self.examples = _examples_log(live, metrics, clock)
        logged = self.examples is not None
        reader = Reader(
            settings.events,
            clock,
            metrics,
            live.models.check,
            live.encode,
            searches=logged or settings.state.search_follows_s > 0,
            actions=settings.meanings.names,
            shards=settings.redis.shards,
            opine=live.opine,
        )
        self.batches = Batches(
            *(settings, store, live.replica, live.models, reader, letters, self.kafka, metrics, clock),
            *(self.examples, waiting, traces),
        )
        self.intake = BatchIntake(settings, self.batches)
        self.batches.folding.behind = self.intake.queued
        self.lag = LagWatch(
            self.kafka,
            settings.worker.stalled_after_s,
            metrics,
            lambda: bool(self.store_trouble),
            in_turn=self.intake.in_turn,
            done=lambda standings: waiting.done({at: each.offset for at, each in standings.items()}),
        )
        self.chores = Chores(
            *(settings, store, live.replica, live.models, live.experiments),
            *(self.batches.recovery.recover, metrics, clock, watch),
        )
        reporting = Reporting(
            *(metrics, self.batches.counting, self.lag.lag),
            *(lambda: live.recommender.catalog, self._standing, clock),
        )
        self.reports = ReportWriter(store, reporting)
        self.membership = membership
        self.app: Any = create_app(settings, self.intake, membership, waiting)
        self.kafka.app = self.app

    @property
    def store_trouble(self) -> str:
        """Why the store is waited for; "" where it is not."""
        return self.batches.trouble or self.chores.trouble or self.watch.trouble

    def _standing(self) -> WorkerStanding:
        live = self.live
        reading = "" if live.replica.sound else "the counters are being read"
        troubles = self.store_trouble, self.lag.trouble, self.membership.trouble, reading
        return WorkerStanding(
            trouble="; ".join(filter(None, troubles)),
            queued=self.intake.queued(),
            ledger=live.replica.position,
            followed=live.replica.followed,
            models={live.models.name: live.models.provider} if live.models.name else {},
        )

    async def start(self) -> None:
        self.chores.start()
        if self.examples is not None:
            self.examples.start()
        await self.app.start()
        self.lag.start()
        self.reports.start()

    async def stop(self) -> None:
        """Stop fetching, finish the batch in flight, commit offsets, leave the group."""
        await self.reports.stop()
        await self.intake.drain()
        await self.lag.stop()
        await self.app.stop()
        await self.chores.stop()
        if self.examples is not None:
            await self.examples.stop()

    def tasks(self) -> Iterator[tuple[str, asyncio.Task[None] | None]]:
        """What must not end, by name."""
        yield from ((task.get_name(), task) for task in self.chores.tasks)
        yield "loading a model", self.live.models.loading
        yield "loading an arm's model", self.live.models.mending
        yield "the examples log", self.examples.rotating if self.examples is not None else None


def _examples_log(live: Live, metrics: WorkerMetrics, clock: Clock) -> ExamplesLog | None:
    if not live.settings.examples.folder:
        return None
    # Imported here: a worker that logs none does without Arrow.
    from streams.worker.examples_log import ExamplesLog

    return ExamplesLog(live.settings, live.replica.core, metrics, clock)
