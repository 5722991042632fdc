"""What a worker does besides its batches: follow the ledger; and, where it leads, snapshots, the fallback
feed, and notes of experiments' sums and of what was learned.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from model.errors import BrokerUnavailableError, FencedError, StoreUnavailableError
from streams.cancelling import cancelled
from streams.clock import Clock
from streams.popular_feed import popular_feed
from streams.ranking import slate as stored_slate
from streams.ranking.slate import POPULAR_USER
from streams.serving.experiments import EVERY_S, ServedExperiments
from streams.serving.follower import FollowedModels, Follower
from streams.serving.learner_course import note_course
from streams.serving.replica import Replica
from streams.settings.tree import Settings
from streams.stores.base import Store
from streams.stores.ledger_entries import LEADER
from streams.worker.experiment_watch import ExperimentWatch
from streams.worker.metrics import WorkerMetrics
from streams.worker.store_watch import TURN_S, StoreWatch

log = logging.getLogger(__name__)

LEASE_TTL_FACTOR = 3


class Chores:
    """Runs them until it is stopped; a store that is away is waited for. Any other error ends a task of
    `tasks`, and with it the worker.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        replica: Replica,
        models: FollowedModels,
        experiments: ServedExperiments,
        recover: Callable[[], Awaitable[None]],
        metrics: WorkerMetrics,
        clock: Clock,
        watch: StoreWatch,
    ) -> None:
        self.settings, self.store, self.replica = settings, store, replica
        self.metrics, self.clock = metrics, clock
        self.watch, self.experiments = watch, experiments
        self.guarding = ExperimentWatch(settings, store, clock)
        self.follower = Follower(replica, models, recover)
        self.trouble = ""
        self.tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        popular_s = self.settings.feed.popular_every_s
        for every_s, chore in (
            (self.settings.worker.ledger_every_ms / 1_000, self.follow),
            (popular_s, self.popular),
            (self.settings.worker.snapshot_every_s, self.snapshot),
            (self.settings.worker.note_sums_every_s, self.note_sums),
            (self.settings.worker.note_sums_every_s, self.note_learner),
            (TURN_S, self.watch.turn),
            (EVERY_S, self.experiments.turn),
        ):
            self.tasks.append(
                asyncio.create_task(self._every(every_s, chore), name=f"the chore {chore.__name__!r}")
            )

    async def stop(self) -> None:
        await cancelled(*self.tasks)

    async def _every(self, seconds: float, chore: Callable[[], Awaitable[None]]) -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                await chore()
            except (BrokerUnavailableError, StoreUnavailableError) as error:
                away = isinstance(error, BrokerUnavailableError)
                (self.metrics.broker_errors if away else self.metrics.store_errors).inc()
                if not self.trouble:
                    log.warning("%s is waiting: %s", chore.__name__, error)
                self.trouble = str(error)
            else:
                # Others have nothing to ask at most of their turns: that they went well says nothing.
                if chore == self.follow:
                    self.trouble = ""

    async def follow(self) -> None:
        """Count what other workers have applied."""
        self.metrics.followed.add(await self.follower.turn())

    async def _leads(self) -> bool:
        ttl_ms = round(LEASE_TTL_FACTOR * 1_000 * max(self.settings.feed.popular_every_s, 1.0))
        leads = self.replica.sound and await self.store.lead(LEADER, self.replica.writer, ttl_ms)
        self.metrics.leader.set(leads)
        return leads

    async def popular(self) -> None:
        """The feed of users without one of their own, which fills up others too."""
        if await self._leads():
            core = self.replica.recommender
            popular = await self.replica.core.call(popular_feed, core, POPULAR_USER, self.clock.now_ms())
            # It may count a batch that is not written yet; what is read anew has counted only a part.
            if self.replica.sound and self.replica.recommender is core:
                await self.store.put_feed(POPULAR_USER, stored_slate.encode(popular))

    async def snapshot(self) -> None:
        """Keep the counters, so that a starting worker need not read the whole ledger."""
        if await self._leads():
            try:
                self.metrics.snapshot_bytes.set(await self.replica.save_snapshot())
            except FencedError as error:
                log.info("snapshot not kept: %s", error)

    async def note_sums(self) -> None:
        """Keep what the experiments' sums are now, for whoever asks later how a reading came about; and stop
        arms that do harm.
        """
        registry = self.experiments.registry
        if any(registry.running()) and await self._leads():
            await self.guarding.look(registry)

    async def note_learner(self) -> None:
        """Keep what the learner has come to now, for whoever asks later how it came there."""
        report = self.replica.recommender.report
        if report is not None and await self._leads():
            await note_course(self.store, report, self.clock.now_ms())
