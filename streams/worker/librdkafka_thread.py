"""Faust's Kafka client over librdkafka: what the worker's loop knows of it, and tells it.

A thread of its own polls (`poller.py`), and hands over what a poll has brought with one call into the loop.
What only the brokers know is asked with another client (`streams/kafka/inquiry.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Collection, Coroutine, Mapping
from concurrent.futures import wait
from functools import partial
from typing import TYPE_CHECKING, Any

from aiokafka.errors import IllegalStateError, KafkaConnectionError
from confluent_kafka import KafkaError as ClientError
from confluent_kafka import KafkaException, TopicPartition
from faust.types import TP
from mode import Service

from model.errors import PartEndedError
from streams.kafka.inquiry import Inquiry
from streams.kafka.librdkafka import Statistics, consumer_config
from streams.kafka.record import Chunk, Record
from streams.kafka.spans import ClientPartition, Partition, Span, next_seek
from streams.kafka.starts import Starts
from streams.settings.connections import KafkaSettings
from streams.worker.mending import Mending
from streams.worker.pauses import Pauses
from streams.worker.poller import Poller

if TYPE_CHECKING:
    from streams.worker.driver import Transport

log = logging.getLogger(__name__)

LOOK_S = 0.002
"""In a rebalance the thread that polls looks so often whether the worker wants to commit."""


class LibrdkafkaThread(Service):
    """The client under Faust's consumer; made, started and stopped in the worker's loop."""

    def __init__(self, consumer: Any, **more: Any) -> None:
        super().__init__(**more)
        self.consumer, self.app = consumer, consumer.app
        self.transport: Transport = consumer.transport
        self.inquiry: Inquiry | None = None
        self._kafka: KafkaSettings = self.transport.kafka
        kafka = self._kafka
        self._timeout_s, self._prefix = kafka.request_timeout_ms / 1_000, len(kafka.prefix)
        self._worker_loop = asyncio.get_running_loop()
        self._generation = 0
        self._starts: Starts = {}
        # What was handed over, with its generation; and how many events that were, ever.
        self._arrived: deque[tuple[int, dict[TP, Chunk]]] = deque()
        self._arrival = asyncio.Event()
        self._handed_over = self._taken = 0
        self._held_back: set[TP] = set()
        self._sought: dict[TP, int] = {}
        self._committing: asyncio.Future[bool] | None = None
        self._member = False
        self._said: int | None = None
        self._mending: Mending | None = None
        self._poller = Poller(
            partial(consumer_config, kafka, self.app.conf.id),
            self,
            Pauses(self._held_back, lambda: self._handed_over - self._taken),
            self._timeout_s,
        )

    async def on_start(self) -> None:
        self.inquiry = Inquiry(self._kafka)
        await self.inquiry.start()
        self._mending = Mending(self.inquiry, self._mended, self.app.crash)
        self._poller.thread.start()

    async def on_stop(self) -> None:
        self._poller.stopping.set()
        if self._poller.thread.is_alive():
            await asyncio.to_thread(self._poller.thread.join)
        if self._mending is not None:
            self._mending.stop()
        if self.inquiry is not None:
            await self.inquiry.stop()

    def close(self) -> None:
        """Nothing: the thread that polls closes the client when it ends."""

    def network(self) -> tuple[Any, Any] | None:
        """The inquiry's network client, and the loop that it runs in; None before there is one."""
        return None if self.inquiry is None else self.inquiry.network

    def ended(self) -> BaseException | None:
        """Why what must not end has ended; None where all is well."""
        thread = self._poller.thread
        if thread.ident is None or self.inquiry is None or self._poller.stopping.is_set():
            return None
        if not thread.is_alive():
            ended = PartEndedError(f"the thread that reads from Kafka has ended: {self._poller.failure!r}")
            ended.__cause__ = self._poller.failure
            return ended
        return self.inquiry.ended()

    # What Faust and the driver ask for

    async def subscribe(self, topics: Collection[str]) -> None:
        self._poller.orders.append(partial(self._poller.subscribe, list(topics)))

    async def getmany(self, active_partitions: Collection[TP], timeout: float) -> dict[TP, Chunk]:
        """What was handed over next; if there is nothing, what comes within `timeout` s."""
        if not self._arrived:
            self._arrival.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    await self._arrival.wait()
        if not self._arrived:
            return {}
        generation, chunks = self._arrived.popleft()
        self._taken += _size(chunks)
        if generation != self.app.consumer_generation_id:
            return {}
        return self._fresh(chunks)

    def assignment(self) -> set[TP]:
        return self._poller.polling.partitions

    def known(self, partition: Partition) -> ClientPartition | None:
        return self._poller.polling.known(partition)

    def more_to_come(self, partition: Partition, last: int) -> bool:
        return self._poller.polling.more_to_come(partition, last)

    def spans(self) -> Mapping[Partition, Span]:
        return self._poller.polling.spans

    def topic_partitions(self, topic: str) -> int | None:
        return self._kafka.partitions

    def highwater(self, partition: TP) -> int:
        """Where a partition ends, as last heard. Raises `IllegalStateError` where another worker has it."""
        known = self.known(partition)
        if known is None:
            raise IllegalStateError(f"no current assignment for partition {partition}")
        return 0 if known.end is None else known.end + known.held_back

    async def highwaters(self, *partitions: TP) -> dict[TP, int]:
        return await self.ends(partitions)

    async def earliest_offsets(self, *partitions: TP) -> dict[TP, int]:
        return await self._asked().earliest(partitions)

    async def ends(self, partitions: Collection[TP]) -> dict[TP, int]:
        """The last stable offset of each partition, as the broker reports it."""
        return await self._asked().ends(partitions)

    def _asked(self) -> Inquiry:
        if self.inquiry is None:
            raise KafkaConnectionError("the client is not started yet")
        return self.inquiry

    async def position(self, tp: TP) -> int | None:
        known = self.known(tp)
        return None if known is None else known.position

    async def seek_to_committed(self) -> Starts:
        """Where each partition was begun: at what the group has committed. Nothing has moved since: Faust
        asks before it lets events through.
        """
        return dict(self._starts)

    async def reread(self, partition: TP, offset: int) -> int:
        """Go on at `offset`; returns the number of this seek. What was read before it does not come out any
        more. If another worker has the partition by now, that worker reads it from where the store's progress
        ends.
        """
        self._sought[partition] = number = next_seek()
        self._order(partial(self._poller.seek, partition, offset, number))
        return number

    def _order(self, order: partial[None]) -> None:
        """Unless partitions move before it can be done: then all is read from what was committed."""
        generation = self.app.consumer_generation_id
        self._poller.orders.append(lambda: order() if generation == self._generation else None)

    def hold_back(self, partition: TP) -> None:
        """Bring no more of a partition, until `let_go`."""
        self._held_back.add(partition)

    def let_go(self, partition: TP) -> None:
        self._held_back.discard(partition)

    async def commit(self, offsets: Mapping[TP, int]) -> bool:
        """Tell Kafka where the next worker begins to read. This may fail: the store's progress holds what was
        applied, so a second reading changes nothing.
        """
        assigned = self.assignment()
        places = [TopicPartition(*tp, offset) for tp, offset in offsets.items() if tp in assigned]
        if not places or (self._committing is not None and not self._committing.done()):
            return False
        self._committing = done = self._worker_loop.create_future()
        self._poller.commits.append(places)
        try:
            async with asyncio.timeout(self._timeout_s):
                return await asyncio.shield(done)
        except TimeoutError:
            log.warning("can't commit offsets, trying again: no answer within %g s", self._timeout_s)
            return False

    # What the thread that polls tells

    def brought(self, chunks: dict[TP, Chunk]) -> None:
        self._handed_over += _size(chunks)
        for tp, chunk in chunks.items():
            end = chunk.records[-1].offset + 1
            self.transport.waiting.learned(tp.topic[self._prefix :], tp.partition, end)
        self._worker_loop.call_soon_threadsafe(self._hand_over, self._generation, chunks)

    def _hand_over(self, generation: int, chunks: dict[TP, Chunk]) -> None:
        if not self._arrived and self.consumer.hand_on_now(self._fresh(chunks), generation):
            self._taken += _size(chunks)
        else:
            self._arrived.append((generation, chunks))
            self._arrival.set()

    def _fresh(self, chunks: dict[TP, Chunk]) -> dict[TP, Chunk]:
        """Without what was read before a seek that came since."""
        if not self._sought:
            return chunks
        return {tp: chunk for tp, chunk in chunks.items() if chunk.seek >= self._sought.get(tp, 0)}

    def broken(self, partition: TP, position: int) -> None:
        self._worker_loop.call_soon_threadsafe(self._mend, self._generation, partition, position)

    def _mend(self, generation: int, partition: TP, position: int) -> None:
        if self._mending is not None and generation == self.app.consumer_generation_id:
            self._mending.begin(partition, position)

    def _mended(self, partition: TP, position: int, records: list[Record], end: int) -> None:
        self._order(partial(self._poller.go_on_behind, partition, position, records, end))

    def committed(self, good: bool) -> None:
        self._worker_loop.call_soon_threadsafe(self._settle, good)

    def _settle(self, good: bool) -> None:
        if self._committing is not None and not self._committing.done():
            self._committing.set_result(good)

    def failed(self, error: ClientError) -> None:
        if error.code() != self._said:
            log.warning("Kafka's client: %s", error)
            self._said = error.code()
        if not self._member:
            self.transport.membership.refused(KafkaException(error))

    def reported(self, statistics: Statistics) -> None:
        if self._member and (ago_s := statistics.answered_s) is not None:
            self.transport.membership.confirmed(ago_s)
            self._said = None
        for topic, number, readable, _ in statistics.ends():
            self.transport.waiting.learned(topic[self._prefix :], number, readable)

    def assigned(self, starts: Starts) -> None:
        if not self.app.rebalancing:  # nothing was taken away before
            self.app.on_rebalance_start()
        self._generation += 1
        self._starts = starts
        self._in_loop(self._take_over(set(starts), self._generation))
        self._member = True
        self.transport.membership.confirmed()

    async def _take_over(self, partitions: set[TP], generation: int) -> None:
        self._arrived.clear()
        self._held_back.clear()
        self._sought.clear()
        if self._mending is not None:
            self._mending.stop()
        self._taken = self._handed_over
        self.app.consumer_generation_id = generation
        await self.consumer.on_partitions_assigned(partitions, generation)

    def revoked(self) -> None:
        self._member = False
        self.transport.membership.lost()
        self.app.on_rebalance_start()
        self._in_loop(self.consumer.on_partitions_revoked(self.assignment()))
        self._starts = {}

    def _in_loop(self, call: Coroutine[Any, Any, None]) -> None:
        """Have the worker's loop do it, and commit meanwhile what it wants to commit."""
        if self._poller.stopping.is_set():
            call.close()
            return
        done = asyncio.run_coroutine_threadsafe(call, self._worker_loop)
        while not self._poller.stopping.is_set():
            self._poller.obey_commits()
            if wait([done], timeout=LOOK_S).done:
                done.result()
                return


def _size(chunks: Mapping[TP, Chunk]) -> int:
    return sum(len(chunk.records) for chunk in chunks.values())
