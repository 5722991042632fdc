"""Batches in the shell: read, look up, fold, write; only then a batch is done.

    read · encode texts · look up (streams/worker/look_up.py)
    fold (streams/worker/folding.py) · write (streams/worker/writing.py), everything in one transaction

A batch is written whole or not at all, and until it is known which, its messages are not done. Meanwhile the
next batch may be folded, on the states as they will be: its own write waits until that is known. Where the
write is refused (another worker was ahead), what was folded on it is void, the counters of this process are
read anew (streams/worker/recovery.py), and both batches are begun again, in order, with what is left of them.

All of this runs on the loop, which only moves bytes: the fold is a call in the core's thread, so the answer
to the last batch's transaction is read at once, whatever the next one costs. Events are decoded as they come
to the intake, so the core does not wait for that between two batches. Three batches at most are here:
one is written, one is folded, one is being put together by the intake.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from model.errors import BrokerUnavailableError, FencedError, LedgerGapError, StoreUnavailableError
from streams.clock import Clock
from streams.kafka.dead_letters import DeadLetter, DeadLetters
from streams.kafka.message import Message
from streams.learning.kept_slates import UserSlates
from streams.serving.replica import Replica
from streams.settings.tree import Settings
from streams.state.user_state import UserState
from streams.stores.base import Store
from streams.worker.counting import Counting
from streams.worker.encoding import begun
from streams.worker.flight import Flight
from streams.worker.folding import Examples, FoldedBatch, Folding
from streams.worker.kept_states import KeptStates
from streams.worker.look_up import BatchWork, LookUp
from streams.worker.metrics import WorkerMetrics
from streams.worker.offset_order import OffsetOrder, PartitionLog
from streams.worker.reading import Reader, ReadMessage
from streams.worker.recovery import Recovery
from streams.worker.traced_batches import Moments, Traced, TracedBatches
from streams.worker.waiting import Waiting
from streams.worker.writing import RETRY_S, Writing

log = logging.getLogger(__name__)


class Models(Protocol):
    """The models of this process."""

    async def swap(self) -> None:
        """Serve the model that was loaded meanwhile, if any; called between two batches."""
        ...

    def fell_back(self, asked: Mapping[str, int]) -> None:
        """So many requests named each of these models, which is not in service."""
        ...

    async def activated(self, name: str) -> None:
        """The ledger says that `name` is the model now."""
        ...


class _Batch(NamedTuple):
    messages: Sequence[Message]
    reads: Sequence[ReadMessage]
    letters: Sequence[DeadLetter]
    begun_ms: float
    traced: Sequence[Traced] = ()


class _Folded(NamedTuple):
    """What a batch comes to; `made` is None where nothing is left of it. When the store was asked, when it
    had answered, and when all was folded: ms since the epoch.
    """

    work: BatchWork
    made: FoldedBatch | None
    asked_ms: float
    loaded_ms: float
    folded_ms: float


class Batches:
    """Takes messages in the order in which they came; begin one batch at a time."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        replica: Replica,
        models: Models,
        reader: Reader,
        letters: DeadLetters,
        kafka: PartitionLog,
        metrics: WorkerMetrics,
        clock: Clock,
        examples: Examples | None = None,
        waiting: Waiting | None = None,
        traces: TracedBatches | None = None,
    ) -> None:
        self.finished = 0
        self._traces = traces
        self.replica, self.models, self.reader = replica, models, reader
        self.metrics, self.clock = metrics, clock
        self._kept: KeptStates[UserState] = KeptStates(settings.worker.states_kept, clock)
        self._kept_slates: KeptStates[UserSlates] = KeptStates(settings.worker.states_kept, clock)
        order = OffsetOrder(kafka, metrics)
        self._look_up = LookUp(store, replica, order, self._kept, self._kept_slates, metrics, clock)
        self._writing = Writing(store, letters, metrics, clock)
        self.counting = Counting(metrics, clock, settings.meanings.name_of)
        self.folding = Folding(settings, replica, clock, examples, waiting)
        at_hand = (self._kept, self._kept_slates)
        self.recovery = Recovery(store, replica, kafka, at_hand, order.gaps, metrics)
        self._behind_s = metrics.stage_s.of("behind")
        self._last: Flight | None = None
        self._beginning = False

    @property
    def busy(self) -> bool:
        """Whether a batch is begun and not done with; `finished` counts those that are."""
        return self._beginning or (self._last is not None and not self._last.task.done())

    @property
    def trouble(self) -> str:
        """What is being waited for, if anything."""
        return self._writing.trouble

    async def handle(self, messages: Sequence[Message]) -> list[Message]:
        """Write a batch; the messages that are done with. The others will be read again.

        Waits for as long as the store or Kafka are away. Raises `ProgressError` where going on would lose
        events.
        """
        return await (await self.begin(messages))

    async def begin(self, messages: Sequence[Message]) -> asyncio.Task[list[Message]]:
        """`handle` in two steps: this returns once the batch is folded and the one before it is written."""
        self._beginning = True
        try:
            return await self._begin(messages)
        finally:
            self._beginning = False

    async def _begin(self, messages: Sequence[Message]) -> asyncio.Task[list[Message]]:
        self.metrics.batch_events.observe(len(messages))
        begun_ms = self.clock.precise_ms()
        traced = self._traces.traced(messages) if self._traces is not None else ()
        batch = _Batch(messages, *await self.reader.read(messages), begun_ms, traced)
        last, flight = self._last, Flight()
        folded = await self._fold_behind(batch, last) if last is not None else None
        if last is not None and folded is None and not last.task.done():
            await asyncio.wait([last.task])
        self._last = flight
        flight.task = asyncio.create_task(self._see_through(batch, folded, flight))
        try:
            await flight.folded
        except asyncio.CancelledError:
            flight.task.cancel()
            raise
        return flight.task

    def early(self, message: Message) -> Message:
        """The message with its event, or with the reason why it has none, if that can be said at once."""
        return self.reader.early(message)

    def moved(self) -> None:
        """Partitions have come or gone: others may have written since. No batch may be under way."""
        self.recovery.moved()

    async def _fold_behind(self, batch: _Batch, last: Flight) -> _Folded | None:
        """Fold a batch on one whose write is under way; None where that can't be, or came to nothing.

        The replica's lock is held then, together with the last batch, and by this one alone once that is
        written.
        """
        lock = self.replica.lock
        if last.straight.done() or not self.replica.sound or not lock.share():
            return None
        folded = None
        try:
            try:
                folded = await self._fold(batch)
            except (FencedError, BrokerUnavailableError, StoreUnavailableError, LedgerGapError) as error:
                log.info("not folded ahead: %s", error)  # it will be said again, if it is still so
            if folded is not None and await self._behind(last):
                return folded
        except BaseException:
            self.replica.sound = False
            lock.release()
            raise
        lock.release()
        return None

    async def _behind(self, last: Flight) -> bool:
        """Whether the batch in flight is written as it was folded; waits until that is known."""
        started = time.perf_counter()
        straight = await last.straight
        self._behind_s.observe(time.perf_counter() - started)
        return straight

    async def _see_through(self, batch: _Batch, folded: _Folded | None, flight: Flight) -> list[Message]:
        pause_s, longest_s = RETRY_S
        try:
            while True:
                try:
                    if folded is None:
                        folded = await self._fold_alone(batch)
                    done = await self._write(folded, flight)
                    self.finished += 1
                    if batch.traced and self._traces is not None:
                        moments = Moments(batch.begun_ms, *folded[2:], flight.pushed_ms, flight.written_ms)
                        self._traces.written(batch.traced, moments, folded.work, folded.made)
                    return done
                except FencedError as error:
                    log.warning("batch fenced, the counters are read anew: %s", error)
                    self.metrics.fenced.inc()
                    self.recovery.forget(wrong=True)
                except (BrokerUnavailableError, StoreUnavailableError, LedgerGapError) as error:
                    self._writing.troubled(error)
                folded = None
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, longest_s)
        finally:
            flight.ended(straight=False)

    async def _fold_alone(self, batch: _Batch) -> _Folded:
        """Fold a batch while none is under way; the replica's lock is held then."""
        await self.replica.lock.acquire()
        try:
            await self.recovery.recover()
            await self.recovery.follow()
            return await self._fold(batch)
        except BaseException:
            self.replica.lock.release()
            raise

    async def _fold(self, batch: _Batch) -> _Folded:
        await self.models.swap()
        asked_ms = self.clock.precise_ms()
        work = await self._look_up.rest(batch.messages, batch.reads, batch.letters)
        loaded_ms = self.clock.precise_ms()
        self._writing.trouble = ""
        made = await self.folding.fold(work, batch.begun_ms) if work.progress else None
        return _Folded(work, made, asked_ms, loaded_ms, self.clock.precise_ms())

    async def _write(self, folded: _Folded, flight: Flight) -> list[Message]:
        """Write what was folded, and release the lock."""
        work, made = folded.work, folded.made
        try:
            if made is not None:
                try:
                    position, pushed_ms = await self._commit(work, made, flight)
                except BaseException:
                    self.folding.undo()
                    raise
                self.folding.keep()
                self.replica.committed(position)
                self._look_up.written(work.progress)
                self.counting.count(work, made, position, pushed_ms)
                self.models.fell_back(made.missed)
                if name := made.outcome.record.activate:
                    self.replica.activated = name
                    await self._writing.until_answered(lambda: self.models.activated(name))
            flight.ended(straight=True)
            return work.done
        finally:
            flight.ended(straight=False)
            self.replica.lock.release()

    async def _commit(self, work: BatchWork, made: FoldedBatch, flight: Flight) -> tuple[str, float]:
        """The place in the ledger, and when the transaction began."""
        await self._writing.send_letters(work, made.outcome)
        bytes_of = made.encoded
        self._kept.take(bytes_of.states, {**work.expected, **work.progress})
        self._kept_slates.take(bytes_of.slates, {})
        if not flight.folded.done():
            flight.folded.set_result(None)
            if self.folding.behind():
                await asyncio.sleep(0)  # the next batch goes to the core before this one is packed and sent
        flight.pushed_ms = pushed_ms = self.clock.precise_ms()
        position = await self._writing.commit(begun(bytes_of.commit, pushed_ms), self.replica.writer)
        flight.written_ms = self.clock.precise_ms()
        return position, pushed_ms
