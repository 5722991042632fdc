"""From Faust's queue to batches: what waits is taken in the order of `InStep`, and acknowledged once it is
written.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple, Protocol

from faust.types import TP

from streams.batch import Incoming
from streams.kafka.message import Message, happened_ms, no_later
from streams.kafka.record import Record
from streams.settings.tree import Settings
from streams.worker.event_queue import EventQueue
from streams.worker.in_step import InStep, Place
from streams.worker.look_up import USER_TOPICS
from streams.worker.shards import by_shard

HELD_BACK_EVENTS = 512
"""A partition of which so many events wait in the worker is not fetched on, until half of them are taken."""

MOVING_S = 0.01
"""While partitions move, so often it is looked whether they have."""

TURN_EVENTS = 64
"""After so many that were decoded the loop has its turn: an answer of the store may be there."""


class BatchHandler(Protocol):
    """Writes batches in the order in which they are begun."""

    async def begin(self, messages: Sequence[Message]) -> asyncio.Task[list[Message]]:
        """Returns once the next batch may be begun; the task gives the messages that are done with."""
        ...

    def early(self, message: Message) -> Message:
        """The message with its event, where that can be read at once."""
        ...

    def moved(self) -> None:
        """Partitions have come or gone. Called while no batch is under way."""
        ...


class _Flight(NamedTuple):
    """Records, what `BatchHandler` was given of each, and what it gives back."""

    records: Sequence[Record]
    messages: Sequence[Message]
    writing: asyncio.Task[list[Message]]


class BatchIntake:
    """Waits for an event, takes what is already queued with it, in the order of `InStep`, and acknowledges it
    once written.

    One batch may be begun while the one before is still being written.
    """

    def __init__(self, settings: Settings, handler: BatchHandler) -> None:
        self._batch_max = settings.worker.batch_max
        self._prefix = len(settings.kafka.prefix)
        self._shards = settings.redis.shards
        self._handler = handler
        self._idle = asyncio.Event()
        self._idle.set()
        self._draining = False
        self._flight: _Flight | None = None
        self._queue: EventQueue | None = None
        self._bell: asyncio.Future[None] | None = None
        self._generation: int | None = None
        self._steps = InStep[Record](USER_TOPICS, settings.worker.in_step_wait_ms / 1_000, time.monotonic)
        self._steps_of: int | None = None
        self._places: dict[TP, Place] = {}
        self._partitions: dict[Place, TP] = {}
        self._last: dict[Place, int] = {}
        self._held_back: set[Place] = set()

    def queued(self) -> int:
        """How many fetched events wait."""
        return len(self._steps) + (0 if self._queue is None else self._queue.qsize())

    async def run(self, app: Any, queue: EventQueue) -> None:
        """Take batches for as long as the stream goes."""
        self._queue, queue.ring = queue, self._ring
        try:
            while True:
                waiting = await self._taken(app, queue)
                # Partitions may have moved since an event was fetched; whoever has its partition now reads it
                # again.
                generation = app.consumer_generation_id
                waiting = [record for record in waiting if record.generation_id == generation]
                if self._draining or generation != self._generation:
                    await self._land()
                if generation != self._generation:
                    self._handler.moved()
                    self._generation = generation
                for part in by_shard(waiting, self._shards):
                    if not self._draining:
                        await self._begin(part)
        finally:
            if self._flight is not None:
                self._flight.writing.cancel()
            self._idle.set()

    async def _taken(self, app: Any, queue: EventQueue) -> list[Record]:
        """The next events; what is being written meanwhile is acknowledged as soon as it is."""
        while True:
            while not len(self._steps) and queue.empty():
                await self._wait(queue, None)
            if not queue.empty():
                for _ in range(0, max(1, queue.qsize()), TURN_EVENTS):  # no more: others may come for ever
                    self._put(app, queue.take(TURN_EVENTS))
                    if not queue.empty():
                        await asyncio.sleep(0)
            if not app.consumer.flow_active:
                # Partitions move. The client has none of them, so nothing would be waited for in step; and
                # what waits here is read again.
                await self._wait(queue, MOVING_S)
                continue
            waiting = self._steps.take(self._batch_max, partial(self._more_to_come, app))
            self._hold_back(app)
            if waiting:
                return waiting
            await self._wait(queue, self._steps.wait_s())

    async def _wait(self, queue: EventQueue, most_s: float | None) -> None:
        """Until there is another event, the batch in flight is written, or for `most_s`. No task is made for
        it: at low load that would be a good part of all that is done for an event.
        """
        if queue.empty() and not self._written():
            loop = asyncio.get_running_loop()
            self._bell = loop.create_future()
            timer = None if most_s is None else loop.call_later(most_s, self._ring)
            try:
                await self._bell
            finally:
                self._bell = None
                if timer is not None:
                    timer.cancel()
        if self._written():
            await self._land()

    def _written(self) -> bool:
        """Whether a batch is in flight no more, and not acknowledged yet."""
        return self._flight is not None and self._flight.writing.done()

    def _ring(self, _: object = None) -> None:
        """Wake `_wait`."""
        if self._bell is not None and not self._bell.done():
            self._bell.set_result(None)

    def _put(self, app: Any, records: Sequence[Record]) -> None:
        if not records:  # they were taken away meanwhile
            return
        generation = app.consumer_generation_id
        if generation != self._steps_of:
            # Partitions have moved: what waits here is read again, by whoever has its partition now.
            self._steps.assign(self._place(partition) for partition in app.consumer.assignment())
            self._last.clear()
            self._held_back.clear()
            self._steps_of = generation
        now_ms = time.time_ns() / 1_000_000
        handed_ms = round(now_ms, 3)
        for record in records:
            if record.generation_id == generation:
                place = self._place(record.tp)
                self._last[place] = record.offset
                record.handed_ms = handed_ms
                # Now, and not once the batch is begun: meanwhile the core is busy with the one before.
                record.message = message = self._handler.early(as_message(record, self._prefix))
                early, written_ms = message.early, message.timestamp_ms
                if isinstance(early, Incoming):
                    time_ms = no_later(early.event.ts, written_ms, now_ms)
                else:
                    time_ms = happened_ms(record.value, written_ms, now_ms)
                self._steps.put(place, time_ms, record)

    def _place(self, partition: TP) -> Place:
        place = self._places.get(partition)
        if place is None:
            place = self._places[partition] = Place(partition.topic[self._prefix :], partition.partition)
            self._partitions[place] = partition
        return place

    def _more_to_come(self, app: Any, place: Place) -> bool:
        return bool(app.consumer.more_to_come(self._partitions[place], self._last.get(place, -1)))

    def _hold_back(self, app: Any) -> None:
        """Have no more fetched of partitions of which much waits here."""
        if app.consumer_generation_id != self._steps_of:
            return
        if len(self._steps) < HELD_BACK_EVENTS and not self._held_back:
            return  # no partition can have so many
        for place, size in self._steps.sizes():
            if size >= HELD_BACK_EVENTS:
                # Each time: Faust lets it go by itself once its queue is empty.
                app.consumer.on_buffer_full(self._partitions[place])
                self._held_back.add(place)
            elif place in self._held_back and size <= HELD_BACK_EVENTS // 2:
                app.consumer.on_buffer_drop(self._partitions[place])
                self._held_back.discard(place)

    async def _begin(self, records: Sequence[Record]) -> None:
        self._idle.clear()
        messages = [record.message for record in records if record.message is not None]
        writing = await self._handler.begin(messages)
        await self._acknowledge()
        self._flight = _Flight(records, messages, writing)
        writing.add_done_callback(self._ring)

    async def _land(self) -> None:
        """Wait until no batch is in flight."""
        await self._acknowledge()
        self._flight = None
        self._idle.set()

    async def _acknowledge(self) -> None:
        """Wait until the batch in flight, if any, is written, and acknowledge what is done of it."""
        if self._flight is None:
            return
        flight = self._flight
        done = await flight.writing
        if len(done) == len(flight.records):
            for record in flight.records:
                record.ack()
            return
        those = set(map(id, done))
        for record, message in zip(flight.records, flight.messages, strict=True):
            if id(message) in those:
                record.ack()

    def in_turn(self) -> dict[str, list[str]]:
        """The partitions of which events wait for their turn, and for which others, by their names in the
        store's progress.
        """
        return {str(place): [str(other) for other in others] for place, others in self._steps.in_turn()}

    async def drain(self) -> None:
        """Begin no further batch, and wait for the one in flight."""
        self._draining = True
        await self._idle.wait()


def as_message(record: Record, prefix: int) -> Message:
    """A record as the core takes it. `prefix`: the length of the topics'."""
    return Message(
        topic=record.topic[prefix:],
        partition=record.partition,
        offset=record.offset,
        timestamp_ms=record.timestamp * 1_000,
        key=record.key,
        value=record.value,
        headers=record.headers,
        since=record.since,
        seek=record.seek,
        undecodable=record.undecodable,
        passed={"fetched": record.fetched_ms, "handed": record.handed_ms},
    )
