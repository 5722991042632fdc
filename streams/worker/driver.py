"""Faust's Kafka driver, with changes to what it fixes: the messages it hands on, and the offsets it commits.

Between events: offsets of transaction markers, of aborted and of compacted records hold no event. Each
message carries the offset since which there was no other event, and the seek after which it was read
(`fetched.py`).

Commits: a worker acknowledges the events of a partition in order, so the last one is enough. The stock
consumer lists every offset of a hole between two events, however large it is.

`consumer_thread.py` holds the client under it: fetches, and which worker gets which partition. This module
uses private members of aiokafka and Faust; pyproject.toml bounds their versions.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, cast

from aiokafka.errors import IllegalStateError
from faust.transport.drivers import aiokafka as stock
from faust.types import TP
from yarl import URL

from streams.kafka.fetched import Chunk, readable_end
from streams.kafka.lag import Standing
from streams.settings.sections import KafkaSettings
from streams.worker.consumer_thread import ConsumerThread
from streams.worker.membership import Membership
from streams.worker.waiting import Waiting

HELD_BACK_S = 0.02
"""How often the fetch loop checks whether partitions are still held back."""


class Consumer(stock.Consumer):
    """Faust's consumer over `ConsumerThread`."""

    _thread: ConsumerThread

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._acknowledged: dict[TP, int] = {}
        self._committed: dict[TP, int] = {}
        self._dropped = False
        self._fetched: dict[TP, int] = {}

    def more_to_come(self, partition: TP, last: int) -> bool:
        """Whether a partition has events behind offset `last` (-1: it has brought none) that will come: the
        client lags, fetched events are on their way, or the client has not asked yet. False where another
        worker has the partition by now.
        """
        if self._fetched.get(partition, -1) > last:
            return True
        state = self._thread.partition_state(partition)
        if state is None:
            return False
        position, end = state._position, readable_end(state)
        return position is None or end is None or bool(position < end)

    async def _wait_next_records(self, timeout: float) -> tuple[Any, Any]:
        """The next fetched chunks. The stock method sleeps a second when all partitions are held back."""
        if self.flow_active and not self._get_active_partitions():
            await asyncio.sleep(HELD_BACK_S)
            return {}, set()
        fetched, active = await super()._wait_next_records(timeout)
        chunks: dict[TP, Chunk] = cast("Any", fetched)
        for partition, chunk in (chunks or {}).items():
            self._fetched[partition] = chunk.records[-1].offset
        return chunks, active

    async def reread(self, partition: TP, offset: int) -> int:
        """Go on at `offset`; returns the number of this seek. Events fetched before it still come out."""
        self._acknowledged[partition] = min(offset, self._acknowledged.get(partition, 0))
        number: int = await self._thread.call_thread(self._thread.reread, partition, offset)
        return number

    async def ends(self, partitions: list[TP]) -> dict[Any, int]:
        """Where the partitions end. A slow answer of the broker does not hold up seeks."""
        return await asyncio.wrap_future(
            asyncio.run_coroutine_threadsafe(self._thread.ends(partitions), self._thread.thread_loop)
        )

    def standings(self) -> dict[TP, Standing]:
        """How far each assigned partition is, without those whose position is not known yet."""
        standings = {}
        for partition in self.assignment():
            offset, state = self._standing(partition), self._thread.partition_state(partition)
            if offset is not None:
                end = readable_end(state)
                standings[partition] = Standing(offset, 0 if end is None else state.highwater - end)
        return standings

    def _standing(self, partition: TP) -> int | None:
        acknowledged = self._acknowledged.get(partition, 0)
        # In this order: the thread writes the span before it moves the position.
        position = self._thread.partition_state(partition)._position
        span = self._thread.spans().get(partition)
        standing = acknowledged if span is None else span.standing(acknowledged)
        if span is not None and (position is None or standing < span.end):
            return standing
        # The worker has read nothing since it got the partition, or has handled all of it. If the client is
        # further, the broker sent it on: Kafka no longer holds what lay between.
        return None if position is None else max(position, standing)

    def ack(self, message: Any) -> bool:
        """Note that the worker has handled everything in the partition up to this message."""
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
        # The worker may lose the partition at this moment.
        with contextlib.suppress(AssertionError, AttributeError, IllegalStateError):
            return self._standing(tp) or None
        return None

    def _should_commit(self, tp: TP, offset: int) -> bool:
        # A lower offset too: if the store has lost events, the worker reads them again.
        return offset != self._committed.get(tp, 0)

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        committed = await super()._commit(offsets)
        if committed:
            self._committed.update(offsets)
        return committed

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Forget all positions: meanwhile other workers may have read further, or less far."""
        self._acknowledged.clear()
        self._committed.clear()
        self._fetched.clear()
        self._buffered_partitions.clear()  # else a partition that left would stay held back for ever
        await super().on_partitions_assigned(assigned, generation_id)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Any]]:
        """The messages of one fetch; partitions and topics take turns."""
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
        """Read again what was fetched but not handed on, in partitions that stay here in a rebalance."""
        self._dropped = False
        for partition, span in list(self._thread.spans().items()):
            tp = TP(*partition)
            standing = span.standing(self._acknowledged.get(tp, 0))
            if standing < span.end:
                await self.reread(tp, standing)

    async def _drain_messages(self, fetcher: Any) -> None:
        """Hand on the fetched messages for as long as the fetcher runs.

        The stock loop makes four tasks for every event, to wake up if a rebalance takes partitions while the
        queue is full. This loop checks for a rebalance before each event. A message that slips through is of
        an old generation, and Faust leaves it out.
        """
        stopped, fetcher_stopped = self._stopped.is_set, fetcher._stopped.is_set
        try:
            while not (stopped() or fetcher_stopped()):
                await asyncio.sleep(0)
                # The next call asks for partitions that are no longer held back.
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
    """Faust's transport over `Consumer`."""

    Consumer = Consumer

    def __init__(self, kafka: KafkaSettings, app: Any, membership: Membership, waiting: Waiting) -> None:
        super().__init__(broker_urls(kafka), app)
        self.kafka, self.membership, self.waiting = kafka, membership, waiting


def broker_urls(kafka: KafkaSettings) -> list[URL]:
    """The brokers' addresses as Faust writes them.

    >>> broker_urls(KafkaSettings(bootstrap="a:9092,b:9092"))
    [URL('kafka://a:9092'), URL('kafka://b:9092')]
    """
    return [URL(f"kafka://{address.strip()}") for address in kafka.bootstrap.split(",")]
