"""Faust's Kafka driver with four things changed that it fixes: how events are fetched, what is known of what
lies between them, how offsets are committed, and who gets which partition.

Fetching: the broker waits for `fetch_min_bytes`, `fetch_max_wait_ms` at most, so that several events travel
in one fetch, and partitions that bring nothing are left out of most fetches. One event a fetch costs ten
times as much as handling it.

Between: offsets of transaction markers, of aborted and of compacted records hold no event. Each message says
since which offset nothing else was there, and after which seek it was read (`fetched.py`).

Commits: events of a partition are acknowledged in order, so the last one tells all. The stock consumer lists
every offset of a hole between two events, however large it is.

Partitions: the stock driver deals partitions out in turn, topic after topic; with three workers, clicks-0 and
reviews-0 then meet in different ones. By ranges, equal numbers of all topics go to one worker, so that all
events of a user are folded in one place.

This rests on private members of aiokafka and Faust; pyproject.toml bounds their versions.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from typing import Any, cast

import aiokafka
import uvloop
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import ConsumerStoppedError, IllegalStateError, KafkaError
from faust.transport.drivers import aiokafka as stock
from faust.types import TP
from yarl import URL

from streams.kafka.fetched import Chunk, Fetched, Span, readable_end
from streams.kafka.idle_partitions import spare_idle
from streams.kafka.lag import Standing
from streams.settings.sections import KafkaSettings
from streams.worker.membership import Membership, watch_membership
from streams.worker.waiting import Waiting, watch_ends

log = logging.getLogger(__name__)


class ConsumerThread(stock.AIOKafkaConsumerThread):
    """Faust's consumer thread over a consumer of our making, on a faster event loop."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, thread_loop=uvloop.new_event_loop(), **more)
        self._close_thread_loop_on_stop = True
        self.fetched = Fetched()

    async def on_start(self) -> None:
        await super().on_start()
        client, transport = self._ensure_consumer(), cast("Transport", self.transport)
        spare_idle(client._fetcher)
        watch_ends(client._fetcher, transport.waiting, len(transport.kafka.prefix))
        watch_membership(client._coordinator, transport.membership)

    def _create_worker_consumer(self, transport: Any) -> Any:
        kafka: KafkaSettings = transport.kafka
        self._assignor = RangePartitionAssignor
        return aiokafka.AIOKafkaConsumer(
            client_id=self.app.conf.broker_client_id,
            group_id=self.app.conf.id,
            bootstrap_servers=kafka.bootstrap,
            partition_assignment_strategy=[RangePartitionAssignor],
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            fetch_min_bytes=kafka.fetch_min_bytes,
            fetch_max_wait_ms=kafka.fetch_max_wait_ms,
            request_timeout_ms=request_timeout_ms(kafka),
            session_timeout_ms=kafka.session_timeout_ms,
            rebalance_timeout_ms=kafka.session_timeout_ms,
            heartbeat_interval_ms=kafka.heartbeat_ms,
            max_poll_interval_ms=MAX_POLL_INTERVAL_MS,
        )

    async def _fetch_records(
        self,
        consumer: Any,
        active_partitions: Collection[TP],
        timeout: float | None = None,
        max_records: int | None = None,
    ) -> Any:
        if not self.consumer.flow_active:
            return {}
        fetcher = consumer._fetcher
        if consumer._closed or fetcher._closed:
            raise ConsumerStoppedError
        with fetcher._subscriptions.fetch_context():
            return await self.fetched.take(fetcher, active_partitions, timeout or 0.0)

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        """Note where a worker begins to read. It may fail: the store's progress says what was applied, so
        what is read again changes nothing.
        """
        consumer, assigned = self._ensure_consumer(), self.assignment()
        committed = {
            aiokafka.TopicPartition(*tp): aiokafka.OffsetAndMetadata(offset, "")
            for tp, offset in offsets.items()
            if tp in assigned
        }
        if not committed:
            return False
        try:
            async with asyncio.timeout(consumer._request_timeout_ms / 1_000):
                await consumer.commit(committed)
        except (KafkaError, OSError, TimeoutError, ValueError) as error:
            log.warning("offsets are not committed, and tried again: %r", error)
            return False
        return True

    def verify_event_path(self, now: float, tp: TP) -> None:
        """What stands still is found by `lag_watch.py`, from what the broker says."""

    async def reread(self, partition: TP, offset: int) -> int:
        """Go on at `offset`; the number of this seek. A partition that is another worker's by now is read by
        that one, from where the store's progress ends.
        """
        number = self.fetched.sought(partition)
        with contextlib.suppress(AssertionError, IllegalStateError):
            self._ensure_consumer().seek(partition, offset)
        return number

    async def ends(self, partitions: list[TP]) -> dict[Any, int]:
        """The last stable offset of each, as the broker says."""
        ends: dict[Any, int] = await self._ensure_consumer().end_offsets(partitions)
        return ends

    def partition_state(self, partition: TP) -> Any:
        """What aiokafka knows of a partition; None where it is not assigned."""
        assignment = self._assignment()
        return None if assignment is None else assignment.state_value(partition)

    def spans(self) -> dict[Any, Span]:
        """What was read of the partitions since they were assigned."""
        return self.fetched.spans_of(self._assignment())

    def _assignment(self) -> Any:
        subscription = self._ensure_consumer()._subscription.subscription
        return None if subscription is None else subscription.assignment


class Consumer(stock.Consumer):
    """Faust's consumer over that thread."""

    _thread: ConsumerThread

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._acknowledged: dict[TP, int] = {}
        self._committed: dict[TP, int] = {}
        self._dropped = False
        self._fetched: dict[TP, int] = {}

    def more_to_come(self, partition: TP, last: int) -> bool:
        """Whether more of a partition is to come than its offset `last` (-1: nothing came): it lags, what was
        fetched is on its way, or it was not asked yet. False where it is another worker's by now.
        """
        if self._fetched.get(partition, -1) > last:
            return True
        state = self._thread.partition_state(partition)
        if state is None:
            return False
        position, end = state._position, readable_end(state)
        return position is None or end is None or bool(position < end)

    async def _wait_next_records(self, timeout: float) -> tuple[Any, Any]:
        """What is fetched. Where all partitions are held back the stock one sleeps for a second."""
        if self.flow_active and not self._get_active_partitions():
            await asyncio.sleep(HELD_BACK_S)
            return {}, set()
        fetched, active = await super()._wait_next_records(timeout)
        chunks: dict[TP, Chunk] = cast("Any", fetched)
        for partition, chunk in (chunks or {}).items():
            self._fetched[partition] = chunk.records[-1].offset
        return chunks, active

    async def reread(self, partition: TP, offset: int) -> int:
        """Go on at `offset`; what was read before still comes out. The number of this seek."""
        self._acknowledged[partition] = min(offset, self._acknowledged.get(partition, 0))
        number: int = await self._thread.call_thread(self._thread.reread, partition, offset)
        return number

    async def ends(self, partitions: list[TP]) -> dict[Any, int]:
        """Where the partitions end. Holds up no seek, however long the broker takes."""
        return await asyncio.wrap_future(
            asyncio.run_coroutine_threadsafe(self._thread.ends(partitions), self._thread.thread_loop)
        )

    def standings(self) -> dict[TP, Standing]:
        """How far each assigned partition is; those whose position isn't known yet are left out."""
        standings = {}
        for partition in self.assignment():
            offset, state = self._standing(partition), self._thread.partition_state(partition)
            if offset is not None:
                end = readable_end(state)
                standings[partition] = Standing(offset, 0 if end is None else state.highwater - end)
        return standings

    def _standing(self, partition: TP) -> int | None:
        acknowledged = self._acknowledged.get(partition, 0)
        # In this order: what was read is noted before the position moves.
        position = self._thread.partition_state(partition)._position
        span = self._thread.spans().get(partition)
        standing = acknowledged if span is None else span.standing(acknowledged)
        if span is not None and (position is None or standing < span.end):
            return standing
        # Nothing was read since it was assigned, or all of that is done with; where the client is further, it
        # was sent on: what lay between is gone from Kafka.
        return None if position is None else max(position, standing)

    def ack(self, message: Any) -> bool:
        """Everything in its partition up to this message is done with."""
        if message.acked:
            return False
        message.acked = True
        self._unacked_messages.discard(message)
        partition = message.tp
        self._acknowledged[partition] = max(message.offset + 1, self._acknowledged.get(partition, 0))
        return True

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        return (tp for tp in self.assignment() if topics is None or tp in topics or tp.topic in topics)

    def _new_offset(self, tp: TP) -> int | None:
        # It may be taken away just now.
        with contextlib.suppress(AssertionError, AttributeError, IllegalStateError):
            return self._standing(tp) or None
        return None

    def _should_commit(self, tp: TP, offset: int) -> bool:
        # A lower one as well: what is read again, since the store has forgotten it, is not done with.
        return offset != self._committed.get(tp, 0)

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        committed = await super()._commit(offsets)
        if committed:
            self._committed.update(offsets)
        return committed

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Others may have read on meanwhile, or less far than we."""
        self._acknowledged.clear()
        self._committed.clear()
        self._fetched.clear()
        self._buffered_partitions.clear()  # else one that has gone would be held back for ever
        await super().on_partitions_assigned(assigned, generation_id)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Any]]:
        """The messages of one fetch, partitions and topics in turn."""
        if self._dropped and self.flow_active:
            await self._go_back()
        fetched, active = await self._wait_next_records(timeout)
        chunks: dict[TP, Chunk] = fetched
        generation = self.app.consumer_generation_id
        if not chunks or self.should_stop:
            return
        sinces = {tp: chunk.since for tp, chunk in chunks.items()}
        for tp, record in self.scheduler.iterate({tp: chunk.records for tp, chunk in chunks.items()}):
            if not self.flow_active or self.app.consumer_generation_id != generation:
                self._dropped = True
                return
            if tp in (active or ()) or tp in self._buffered_partitions:
                message: Any = self._to_message(tp, record)
                message.since, sinces[tp] = sinces[tp], record.offset + 1
                message.seek = chunks[tp].seek
                message.undecodable = getattr(record, "why", "")
                yield tp, message
            else:
                self._dropped = True

    async def _go_back(self) -> None:
        """Read again what was fetched and not handed on: partitions were moving, and some stayed here."""
        self._dropped = False
        for partition, span in list(self._thread.spans().items()):
            tp = TP(*partition)
            standing = span.standing(self._acknowledged.get(tp, 0))
            if standing < span.end:
                await self.reread(tp, standing)

    async def _drain_messages(self, fetcher: Any) -> None:
        """Hand on what is fetched, for as long as the fetcher runs.

        The stock loop makes four tasks for every event, to be woken where partitions are revoked while the
        queue is full. Here that is looked up before each event; what slips through is of an old generation,
        and left out.
        """
        stopped, fetcher_stopped = self._stopped.is_set, fetcher._stopped.is_set
        try:
            while not (stopped() or fetcher_stopped()):
                await asyncio.sleep(0)
                # One that is no longer held back is asked for with the next call.
                timeout_s = HELD_BACK_S if self._buffered_partitions else 1.0
                async for _, message in self.getmany(timeout=timeout_s):
                    if not self.flow_active:
                        self._dropped = True
                        break
                    await self.callback(message)
        except self.consumer_stopped_errors:
            if not self.transport.app.should_stop:
                raise

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)


class Transport(stock.Transport):
    """Faust's transport over that consumer."""

    Consumer = Consumer

    def __init__(self, kafka: KafkaSettings, app: Any, membership: Membership, waiting: Waiting) -> None:
        super().__init__(broker_urls(kafka), app)
        self.kafka, self.membership, self.waiting = kafka, membership, waiting


HELD_BACK_S = 0.02
"""While partitions are held back, fetching looks so often whether they still are."""

MAX_POLL_INTERVAL_MS = 24 * 3_600_000
"""A worker that waits for its store keeps its partitions: no other worker could write either."""


def request_timeout_ms(kafka: KafkaSettings) -> int:
    """A join of the group is answered after a rebalance, so it may take as long as a session."""
    return max(kafka.request_timeout_ms, kafka.session_timeout_ms + 1_000)


def broker_urls(kafka: KafkaSettings) -> list[URL]:
    """The addresses as Faust writes them.

    >>> broker_urls(KafkaSettings(bootstrap="a:9092,b:9092"))
    [URL('kafka://a:9092'), URL('kafka://b:9092')]
    """
    return [URL(f"kafka://{address.strip()}") for address in kafka.bootstrap.split(",")]
