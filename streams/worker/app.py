"""The Faust app: one agent over all event topics, which hands batches to `Batches` and acknowledges them in
order.

Faust's own web server, tables, leader topic and producer are not used: nothing of it can be reached from
outside.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import faust
from aiokafka.errors import IllegalStateError
from faust.types import TP

from model.errors import PartEndedError
from streams.events import EVENT_TOPICS
from streams.settings import Settings
from streams.topics import topic_name
from streams.worker.driver import Transport, broker_urls, request_timeout_ms
from streams.worker.membership import Membership
from streams.worker.message import Message
from streams.worker.waiting import Waiting

log = logging.getLogger(__name__)


class BatchHandler(Protocol):
    """Writes batches in the order in which they are begun."""

    async def begin(self, messages: Sequence[Message]) -> asyncio.Task[list[Message]]:
        """Returns once the next batch may be begun; the task gives the messages that are done with."""
        ...

    def moved(self) -> None:
        """Partitions have come or gone. Called while no batch is under way."""
        ...


COMMIT_EVERY_S = 1.0
QUEUE_EVENTS = 4_096
TURNS = 3
"""How often the event loop may go round without another event before a batch is begun."""


class App(faust.App):
    """An app that leaves no folders behind: it has no tables."""

    def _create_directories(self) -> None:
        """Nothing is kept on disk."""


def group_name(settings: Settings) -> str:
    """The consumer group of all workers of a deployment."""
    return topic_name(settings.kafka, "workers")


def create_app(settings: Settings, intake: Intake, membership: Membership, waiting: Waiting) -> faust.App:
    """A worker's app, whose events go to `intake`; the others are told what Kafka answers."""
    kafka = settings.kafka
    app = App(
        group_name(settings),
        broker=broker_urls(kafka),
        autodiscover=False,
        store="memory://",
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        broker_session_timeout=kafka.session_timeout_ms / 1_000,
        broker_heartbeat_interval=kafka.heartbeat_ms / 1_000,
        broker_request_timeout=request_timeout_ms(kafka) / 1_000,
        broker_commit_interval=COMMIT_EVERY_S,
        consumer_auto_offset_reset="earliest",
        stream_buffer_maxsize=QUEUE_EVENTS,
        # A batch that waits for the store must not hold up the others' rebalance: its commit is fenced.
        stream_wait_empty=False,
    )
    app.transport = Transport(kafka, app, membership, waiting)
    topic = app.topic(
        *(topic_name(kafka, name) for name in EVENT_TOPICS),
        key_type=bytes,
        value_type=bytes,
        key_serializer="raw",
        value_serializer="raw",
    )

    @app.agent(topic, name="events", concurrency=1)
    async def take(stream: Any) -> None:
        stream.noack()
        try:
            await intake.run(app, stream.channel.queue)
        except StopAsyncIteration:  # how Faust ends a stream
            if not app.should_stop:
                await app.crash(PartEndedError("the stream of events has ended"))
            return
        except Exception as error:  # Faust would restart the agent and go on behind what was lost
            await app.crash(error)
            raise

    return app


class _Flight(NamedTuple):
    """Faust's events, what `BatchHandler` was given of each, and what it gives back."""

    events: Sequence[Any]
    messages: Sequence[Message]
    writing: asyncio.Task[list[Message]]


class Intake:
    """Waits for an event, takes what is already queued with it, and acknowledges them once written.

    One batch may be begun while the one before is still being written.
    """

    def __init__(self, settings: Settings, handler: BatchHandler) -> None:
        self._batch_max, self._prefix = settings.worker.batch_max, len(settings.kafka.prefix)
        self._handler = handler
        self._idle = asyncio.Event()
        self._idle.set()
        self._draining = False
        self._flight: _Flight | None = None
        self._generation: int | None = None
        self.queued: Callable[[], int] = lambda: 0

    async def run(self, app: Any, queue: Any) -> None:
        """Take batches for as long as the stream goes."""
        self.queued = queue.qsize
        try:
            while True:
                events = await self._taken(queue)
                # Partitions may have moved since an event was fetched; whoever has its partition now reads it
                # again.
                generation = app.consumer_generation_id
                events = [event for event in events if event.message.generation_id == generation]
                if self._draining or generation != self._generation:
                    await self._land()
                if generation != self._generation:
                    self._handler.moved()
                    self._generation = generation
                if events and not self._draining:
                    await self._begin(events)
        finally:
            if self._flight is not None:
                self._flight.writing.cancel()
            self._idle.set()

    async def _taken(self, queue: Any) -> list[Any]:
        events = [await self._first(queue)]
        # Fetched events are handed on one at a time, whenever we wait: let those come that are there already.
        turns = 0
        while len(events) < self._batch_max and turns < TURNS:
            turns += 1
            while len(events) < self._batch_max and not queue.empty():
                events.append(queue.get_nowait())
                turns = 0
            await asyncio.sleep(0)
        return events

    async def _first(self, queue: Any) -> Any:
        """The next event; what is being written meanwhile is acknowledged as soon as it is."""
        if self._flight is None or not queue.empty():
            return await queue.get()
        getting = asyncio.ensure_future(queue.get())
        try:
            await asyncio.wait((getting, self._flight.writing), return_when=asyncio.FIRST_COMPLETED)
            if not getting.done():
                await self._land()
            return await getting
        finally:
            getting.cancel()

    async def _begin(self, events: Sequence[Any]) -> None:
        self._idle.clear()
        messages = [as_message(event.message, self._prefix) for event in events]
        writing = await self._handler.begin(messages)
        await self._acknowledge()
        self._flight = _Flight(events, messages, writing)

    async def _land(self) -> None:
        """Wait until no batch is in flight."""
        await self._acknowledge()
        self._flight = None
        self._idle.set()

    async def _acknowledge(self) -> None:
        """Wait until the batch in flight, if any, is written, and acknowledge what is done of it."""
        if self._flight is None:
            return
        done = {(message.place, message.offset) for message in await self._flight.writing}
        for event, message in zip(self._flight.events, self._flight.messages, strict=True):
            if (message.place, message.offset) in done:
                event.ack()

    async def drain(self) -> None:
        """Begin no further batch, and wait for the one in flight."""
        self._draining = True
        await self._idle.wait()


def as_message(record: Any, prefix: int) -> Message:
    """A Faust message as the worker's own."""
    return Message(
        topic=record.topic[prefix:],
        partition=record.partition,
        offset=record.offset,
        timestamp_ms=(record.timestamp or 0.0) * 1_000,
        key=record.key,
        value=record.value,
        headers=record.headers or (),
    )


class KafkaLog:
    """What `Batches` asks of Kafka, asked of the app's consumer."""

    def __init__(self, settings: Settings) -> None:
        self._prefix = settings.kafka.prefix
        self.app: Any = None

    def _partition(self, place: str) -> TP:
        topic, _, partition = place.rpartition("-")
        return TP(self._prefix + topic, int(partition))

    async def earliest(self, place: str) -> int:
        partition = self._partition(place)
        offsets = await self.app.consumer.earliest_offsets(partition)
        return int(offsets[partition])

    async def end(self, place: str, after: int) -> int:
        partition = self._partition(place)
        # Partitions may be taken from us at any moment; then the consumer refuses to speak of them.
        with contextlib.suppress(AssertionError, IllegalStateError):
            heard = self.app.consumer.highwater(partition)
            if heard is not None and heard > after:
                return int(heard)
        ends = await self.app.consumer.highwaters(partition)
        return int(ends[partition])

    async def reread(self, place: str, offset: int) -> None:
        # A partition that is another worker's by now is read by that one, from where the store's progress
        # ends.
        with contextlib.suppress(AssertionError, IllegalStateError):
            await self.app.consumer.reread(self._partition(place), offset)

    def assigned(self) -> list[str]:
        return [
            f"{partition.topic.removeprefix(self._prefix)}-{partition.partition}"
            for partition in (self.app.consumer.assignment() if self.app is not None else ())
        ]
