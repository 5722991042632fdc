"""Faust's Kafka driver, with changes to what it fixes: the client, the records it hands on, and the offsets
it commits.

Client: a thread over librdkafka (`librdkafka_thread.py`) or aiokafka (`aiokafka_thread.py`), as
`kafka.consumer` says.

Records: offsets of transaction markers, of aborted and of compacted records hold no event. Each record names
the offset since which there was no other event, and the seek after which it was read
(`streams/kafka/spans.py`). Records go straight into the agent's queue: the stock driver spends ten times as
much on each.

Commits: a worker acknowledges the events of a partition in order, so the last one is enough. The stock
consumer lists every offset of a hole between two events, however large it is.

This module uses private members of aiokafka and Faust; pyproject.toml bounds their versions.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, cast

from aiokafka.errors import IllegalStateError
from faust.transport.drivers import aiokafka as stock
from faust.types import TP
from yarl import URL

from streams.kafka.lag import Standing
from streams.kafka.record import Chunk, Record
from streams.kafka.spans import ClientPartition, Partition, Span
from streams.settings.connections import KafkaSettings
from streams.worker.aiokafka_thread import AiokafkaThread
from streams.worker.librdkafka_thread import LibrdkafkaThread
from streams.worker.membership import Membership
from streams.worker.waiting import Waiting

HELD_BACK_S = 0.02
"""While partitions are held back, so often is asked whether they still are."""

FULL_S = 0.005
"""While the agent's queue is full, so often is looked whether it has room."""


class ClientThread(Protocol):
    """What a client offers beside what Faust asks of it."""

    async def getmany(self, active_partitions: set[TP], timeout: float) -> dict[TP, Chunk]:
        """The next chunks, within `timeout` s."""
        ...

    async def reread(self, partition: TP, offset: int) -> int:
        """Go on at `offset`; the number of this seek."""
        ...

    async def ends(self, partitions: list[TP]) -> dict[TP, int]:
        """The last stable offset of each."""
        ...

    def known(self, partition: TP) -> ClientPartition | None: ...

    def more_to_come(self, partition: TP, last: int) -> bool:
        """See `Consumer.more_to_come`."""
        ...

    def spans(self) -> Mapping[Partition, Span]: ...

    def hold_back(self, partition: TP) -> None: ...

    def let_go(self, partition: TP) -> None: ...

    def network(self) -> tuple[Any, Any] | None:
        """aiokafka's network client, and the loop that it runs in; None before there is one."""
        ...

    def ended(self) -> BaseException | None:
        """Why what must not end has ended; None where all is well."""
        ...


class Consumer(stock.Consumer):
    """Faust's consumer over one of the clients."""

    app: Any
    transport: Any
    _thread: Any  # a `ClientThread`; the stock driver knows one class alone

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._acknowledged: dict[TP, int] = {}
        self._committed: dict[TP, int] = {}
        self._dropped = self._handing_on = False

    def more_to_come(self, partition: TP, last: int) -> bool:
        """Whether a partition has events behind offset `last` (-1: it has brought none) that will come: the
        client lags, fetched events are on their way, or the client has not asked yet. False where another
        worker has the partition by now.
        """
        return bool(self._thread.more_to_come(partition, last))

    async def reread(self, partition: TP, offset: int) -> int:
        """Go on at `offset`; returns the number of this seek. Events fetched before it may still come out."""
        self._acknowledged[partition] = min(offset, self._acknowledged.get(partition, 0))
        number: int = await self._thread.reread(partition, offset)
        return number

    async def ends(self, partitions: list[TP]) -> dict[TP, int]:
        """Where the partitions end. A slow answer of the broker does not hold up seeks."""
        ends: dict[TP, int] = await self._thread.ends(partitions)
        return ends

    def standings(self) -> dict[TP, Standing]:
        """How far each assigned partition is, without those whose position is not known yet."""
        standings = {}
        for partition in self.assignment():
            offset, known = self._standing(partition), self._thread.known(partition)
            if offset is not None and known is not None:
                standings[partition] = Standing(offset, known.held_back, known.end or 0)
        return standings

    def _standing(self, partition: TP) -> int | None:
        acknowledged = self._acknowledged.get(partition, 0)
        # In this order: the thread writes the span before it moves the position.
        known: ClientPartition | None = self._thread.known(partition)
        if known is None:
            return None
        spans: Mapping[Partition, Span] = self._thread.spans()
        position, span = known.position, spans.get(partition)
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
        partition = message.tp
        self._acknowledged[partition] = max(message.offset + 1, self._acknowledged.get(partition, 0))
        return True

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        return (tp for tp in self.assignment() if topics is None or tp in topics or tp.topic in topics)

    def _new_offset(self, tp: TP) -> int | None:
        # The worker may lose the partition at this moment.
        with contextlib.suppress(AssertionError, IllegalStateError):
            return self._standing(tp) or None
        return None

    def _should_commit(self, tp: TP, offset: int) -> bool:
        # A lower offset too: if the store has lost events, the worker reads them again.
        return offset != self._committed.get(tp, 0)

    async def _commit_offsets(self, offsets: Mapping[TP, int], start_new_transaction: bool = True) -> bool:
        """The stock method draws a table of the offsets each time, for a log that nobody keeps."""
        return await self._commit(offsets)

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        committed = await super()._commit(offsets)
        if committed:
            self._committed.update(offsets)
        return committed

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Forget all positions: meanwhile other workers may have read further, or less far."""
        self._acknowledged.clear()
        self._committed.clear()
        self._dropped = False
        self._buffered_partitions.clear()  # else a partition that left would stay held back for ever
        await super().on_partitions_assigned(assigned, generation_id)

    def on_buffer_full(self, tp: TP) -> None:
        """Read no more of a partition until `on_buffer_drop`."""
        super().on_buffer_full(tp)
        self._thread.hold_back(tp)

    def on_buffer_drop(self, tp: TP) -> None:
        super().on_buffer_drop(tp)
        self._thread.let_go(tp)

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Nothing: `lag_watch.py` finds partitions that stand still, by the ends that the broker reports."""

    async def _go_back(self) -> None:
        """Read again what was fetched but not handed on, in partitions that did not move since."""
        self._dropped = False
        for partition, span in list(self._thread.spans().items()):
            tp = TP(*partition)
            standing = span.standing(self._acknowledged.get(tp, 0))
            if standing < span.end:
                await self.reread(tp, standing)

    async def _drain_messages(self, fetcher: Any) -> None:
        """Hand on the fetched records for as long as the fetcher runs.

        The stock loop makes four tasks for every event, to wake up if a rebalance takes partitions while the
        queue is full. This loop checks for a rebalance before each record that has to wait. A record that
        slips through is of an old generation, and the intake leaves it out.
        """
        stopped, fetcher_stopped = self._stopped.is_set, fetcher._stopped.is_set
        try:
            while not (stopped() or fetcher_stopped()):
                await asyncio.sleep(0)
                if not self.flow_active:
                    await self.wait(self._flow_resumed())
                elif self._dropped:
                    await self._go_back()
                # The next call asks for partitions that are no longer held back.
                timeout_s = HELD_BACK_S if self._buffered_partitions else 1.0
                chunks = await self._thread.getmany(self._get_active_partitions(), timeout_s)
                await self._hand_on(chunks, self.app.consumer_generation_id)
        except self.consumer_stopped_errors:
            if not self.transport.app.should_stop:
                raise

    def hand_on_now(self, chunks: Mapping[TP, Chunk], generation: int) -> bool:
        """Put records into the agent's queue at once, where nothing stands in the way; else False, and
        nothing is done. A client that is called back in the worker's loop saves a task's turn with it.
        """
        if self._handing_on or self._dropped or not self._may_hand_on(generation):
            return False
        count = sum([len(chunk.records) for chunk in chunks.values()])
        handed: list[tuple[Chunk, list[Any]]] = []
        for tp, chunk in chunks.items():
            if not self._wanted(tp):
                return False
            queues = self._queues(tp)
            for queue in queues:
                if queue.qsize() + count > queue.maxsize:
                    return False
            handed.append((chunk, queues))
        for chunk, queues in handed:
            since = chunk.since
            for record in chunk.records:
                self._put(record, since, chunk.seek, generation, queues)
                since = record.offset + 1
        return True

    async def _hand_on(self, chunks: Mapping[TP, Chunk], generation: int) -> None:
        """Put records into the agent's queue as there is room, and note where some were dropped."""
        self._handing_on = True
        try:
            for tp, chunk in chunks.items():
                queues, since = self._queues(tp) if self._wanted(tp) else [], chunk.since
                for record in chunk.records:
                    if any(queue.full() for queue in queues):
                        await self._room(queues, generation)
                    if not queues or not self._may_hand_on(generation):
                        # A new assignment begins at what was committed, before what is dropped here.
                        self._dropped |= self.app.consumer_generation_id == generation
                        break
                    self._put(record, since, chunk.seek, generation, queues)
                    since = record.offset + 1
        finally:
            self._handing_on = False

    def _put(self, record: Record, since: int, seek: int, generation: int, queues: Sequence[Any]) -> None:
        record.since, record.seek, record.generation_id = since, seek, generation
        record.consumer = self
        for queue in queues:
            queue.put_nowait(record)

    def _queues(self, partition: TP) -> list[Any]:
        return [channel.queue for channel in self.app.topics._tp_index[partition]]

    def _wanted(self, partition: TP) -> bool:
        """Whether it is read, or was until its events filled the queue."""
        return partition in self._active_partitions or partition in self._buffered_partitions

    async def _flow_resumed(self) -> None:
        await self.can_resume_flow.wait()

    async def _room(self, queues: Sequence[Any], generation: int) -> None:
        """Until the queues have room, or nothing more is wanted. Faust cancels who waits in `queue.put`."""
        while any(queue.full() for queue in queues):
            if not self._may_hand_on(generation):
                return
            await asyncio.sleep(FULL_S)

    def _may_hand_on(self, generation: int) -> bool:
        return bool(self.flow_active and self.app.consumer_generation_id == generation)

    def _new_consumer_thread(self) -> Any:
        chosen: type[ClientThread] = (
            LibrdkafkaThread if self.transport.kafka.consumer == "librdkafka" else AiokafkaThread
        )
        return cast("Any", chosen)(self, loop=self.loop, beacon=self.beacon)


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
