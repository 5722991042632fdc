"""One batch in the shell: read, look up, fold, write; only then it is done.

    read · encode texts · look up (streams/worker/look_up.py)
    process (the core) · dead letters · commit, everything in one transaction

A batch is written whole or not at all, and until it is known which, nothing else is done: a commit that was
not answered is repeated as it is (the store knows the writer's last one). Where another worker was ahead, the
counters of this process are read anew, and the batch is begun again with what is left of it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Protocol, TypeVar

from model.errors import (
    BrokerUnavailableError,
    FencedError,
    LedgerGapError,
    StoreError,
    StoreUnavailableError,
)
from streams import feed, ladder, state_codec
from streams.batch import Outcome, process
from streams.clock import Clock
from streams.ladder import Rung
from streams.ledger import encode_record
from streams.recommender import Recommender
from streams.settings import Settings
from streams.stores.base import Commit, Store
from streams.training import Met
from streams.user_state import UserState
from streams.worker.dead_letters import DeadLetter, DeadLetters, dead_letter
from streams.worker.look_up import Log, LookUp, Work
from streams.worker.message import Message
from streams.worker.metrics import WorkerMetrics
from streams.worker.reading import Read, Reader
from streams.worker.replica import Replica

log = logging.getLogger(__name__)

T = TypeVar("T")

RETRY_S = (0.05, 1.0)
"""The first and the longest pause before the store or Kafka is asked again."""


class Models(Protocol):
    """The models of this process."""

    def swap(self) -> None:
        """Serve the model that was loaded meanwhile, if any; called between two batches."""
        ...

    async def activated(self, name: str) -> None:
        """The ledger says that `name` is the model now."""
        ...


class Examples(Protocol):
    """The log of training examples: `begin`, `take`, and then `keep` or `undo`, once a batch."""

    def begin(self, recommender: Recommender) -> None: ...

    def take(self, event_id: str, state: UserState, now_ms: int, met: Met) -> None: ...

    def keep(self) -> None: ...

    def undo(self) -> None: ...


class Batches:
    """Takes messages in the order in which they came; returns once they are written."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        replica: Replica,
        models: Models,
        reader: Reader,
        letters: DeadLetters,
        kafka: Log,
        metrics: WorkerMetrics,
        clock: Clock,
        examples: Examples | None = None,
    ) -> None:
        self.examples = examples
        self.settings, self.store, self.replica, self.models = settings, store, replica, models
        self.reader, self.letters, self.kafka, self.metrics, self.clock = (
            reader,
            letters,
            kafka,
            metrics,
            clock,
        )
        self.rung: Rung = "full"
        self.trouble = ""
        self._look_up = LookUp(store, replica, kafka, metrics, clock)

    async def handle(self, messages: Sequence[Message]) -> list[Message]:
        """Write a batch; the messages that are done with. The others will be read again.

        Waits for as long as the store or Kafka are away. Raises `ProgressError` where going on would lose
        events.
        """
        self.metrics.batch_events.observe(len(messages))
        reads, letters = await self.reader.read(messages)
        pause_s, longest_s = RETRY_S
        while True:
            try:
                async with self.replica.lock:
                    return await self._attempt(messages, reads, letters)
            except FencedError as error:
                log.warning("batch fenced, the counters are read anew: %s", error)
                self.metrics.fenced.inc()
            except (StoreUnavailableError, LedgerGapError) as error:
                self._troubled(error)
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, longest_s)

    async def _attempt(
        self, messages: Sequence[Message], reads: Sequence[Read], letters: Sequence[DeadLetter]
    ) -> list[Message]:
        await self.make_sound()
        self.models.swap()
        work = await self._look_up.rest(messages, reads, letters)
        self.trouble = ""
        if not work.progress:
            return work.done
        try:
            outcome, position = await self._write(work)
        except BaseException:
            self.replica.sound = (
                False  # its counters are ahead of the store, or it is not known whether they are
            )
            if self.examples is not None:
                self.examples.undo()
            raise
        if self.examples is not None:
            self.examples.keep()
        self.replica.committed(position)
        self._look_up.written(work.progress)
        self._count(work, outcome)
        if outcome.record.activate:
            await self.models.activated(outcome.record.activate)
        return work.done

    async def make_sound(self) -> None:
        """Read the counters anew where they can't be trusted. The caller holds the replica's lock."""
        if self.replica.sound:
            return
        self.metrics.rebuilds.inc()
        await self.replica.rebuild()
        if self.replica.forgotten:  # the store was emptied: what Kafka still has makes it whole again
            places = self.kafka.assigned()
            for place, offset in (await self.store.load([], places)).progress.items():
                await self.kafka.reread(place, max(offset + 1, await self.kafka.earliest(place)))
            self.replica.forgotten = False

    async def _write(self, work: Work) -> tuple[Outcome, str]:
        now_ms = self.clock.now_ms()
        self.rung = self._rung(work.reads, now_ms)
        recommender = self.replica.recommender
        # Without a model its features are not worth their price.
        modelled = recommender.pipeline.model is not None or self.rung == "popular"
        if self.examples is not None:
            self.examples.begin(recommender)
        # A worker that is behind has no time for examples.
        before = self.examples.take if self.examples is not None and self.rung == "full" else None
        outcome = process(
            recommender,
            [each.incoming for each in work.reads],
            work.states,
            now_ms,
            self.rung if modelled else "counters",
            {at: each.words for at, each in enumerate(work.reads) if each.words is not None},
            before=before,
        )
        letters = work.letters + [
            dead_letter(work.reads[at].message, "apply_failed", error, self.clock.now_ms())
            for at, error in outcome.failed.items()
        ]
        if letters:
            await self._until_answered(lambda: self.letters.send(letters))
            for letter in letters:
                self.metrics.dead_letters.labels(letter.reason).inc()
                self.metrics.events.labels(letter.message.topic, "dead_letter").inc()
        started = time.perf_counter()
        commit = self._commit(work, outcome)
        position = await self._until_answered(lambda: self.store.commit(commit, self.replica.writer))
        self.metrics.stage_s.labels("commit").observe(time.perf_counter() - started)
        return outcome, position

    def _rung(self, reads: Collection[Read], now_ms: int) -> Rung:
        oldest = min((each.incoming.accepted_ms for each in reads), default=now_ms)
        return ladder.choose(now_ms - oldest, self.settings.ladder, self.rung)

    def _commit(self, work: Work, outcome: Outcome) -> Commit:
        pushed_ms = self.clock.now_ms()
        for slate in outcome.slates:
            slate.times["pushed"] = pushed_ms
        return Commit(
            expected=work.loaded.progress,
            progress=work.progress,
            states={user: state_codec.encode(state) for user, state in outcome.states.items()},
            feeds={slate.user_id: feed.encode(slate) for slate in outcome.slates},
            items=outcome.items,
            ledger=encode_record(outcome.record) if outcome.record else b"",
        )

    async def _until_answered(self, ask: Callable[[], Awaitable[T]]) -> T:
        """The answer, however long the store or Kafka are away."""
        pause_s, longest_s = RETRY_S
        while True:
            try:
                answer = await ask()
            except (StoreUnavailableError, BrokerUnavailableError) as error:
                self._troubled(error)
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, longest_s)
            else:
                self.trouble = ""
                return answer

    def _troubled(self, error: StoreError | BrokerUnavailableError) -> None:
        (
            self.metrics.broker_errors
            if isinstance(error, BrokerUnavailableError)
            else self.metrics.store_errors
        ).inc()
        if not self.trouble:
            log.warning("waiting: %s", error)
        self.trouble = str(error)

    def _count(self, work: Work, outcome: Outcome) -> None:
        metrics, now_ms = self.metrics, self.clock.now_ms()
        metrics.stage_s.labels("fold").observe(outcome.fold_s)
        if outcome.slates:
            metrics.stage_s.labels("recommend").observe(outcome.recommend_s)
        for at in outcome.applied:
            metrics.events.labels(work.reads[at].message.topic, "applied").inc()
            metrics.applied_s.observe(max(0.0, (now_ms - work.reads[at].event.ts) / 1_000))
        for at, reason in outcome.skipped.items():
            metrics.events.labels(work.reads[at].message.topic, "skipped").inc()
            metrics.skipped.labels(reason).inc()
        for slate in outcome.slates:
            metrics.slates.labels(slate.rung).inc()
            metrics.pushed_s.observe(max(0.0, (now_ms - slate.times["accepted"]) / 1_000))
        for user, error in outcome.unranked.items():
            metrics.unranked.inc()
            log.error("no slate on rung %s for user %r: %r", self.rung, user, error, exc_info=error)
