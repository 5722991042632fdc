"""Writes events to Kafka, with the acknowledgement of all replicas, within a bounded time; it heals itself.

The gateway starts without Kafka and goes on without it: a background task creates the topics, connects,
and connects anew when it no longer trusts the connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from model.errors import BrokerUnavailableError
from streams.cancelling import cancelled
from streams.events.partition import partition_of
from streams.events.schema import EVENT_TOPICS, TOPIC_OF, AnyEvent, encode, key_of
from streams.kafka.topics import ACCEPTED_HEADER, client_id, ensure_topics
from streams.settings.connections import KafkaSettings
from streams.tracing.trace_context import TRACEPARENT

log = logging.getLogger(__name__)

LINGER_MS = 0
BATCH_BYTES = 131_072
CONNECT_TIMEOUT_S = 10.0
RECONNECT_S = (0.2, 2.0)
"""The first and the longest pause between two attempts to connect."""
DISTRUST_AFTER_S = 10.0
"""Connect anew after this long without an acknowledgement while events wait: the brokers may have moved."""
CLOSE_TIMEOUT_S = 1.0


class Acknowledgement(NamedTuple):
    """Which of the events Kafka acknowledged, in order, and why not the others ("": all acknowledged)."""

    confirmed: list[bool]
    trouble: str = ""


class EventSink(Protocol):
    """Takes accepted events and delivers them."""

    async def start(self) -> None: ...

    async def deliver(
        self, events: Sequence[AnyEvent], accepted_ms: int, timeout_s: float
    ) -> Acknowledgement:
        """Write the events in their order and wait, `timeout_s` at most, for the acknowledgement of each."""
        ...

    async def check(self, timeout_s: float) -> None:
        """Raises `BrokerUnavailableError` unless the brokers answer now."""
        ...

    async def stop(self) -> None: ...


class KafkaProducer:
    """The `EventSink` that is Kafka.

    An event without an acknowledgement in time is unconfirmed, not lost: Kafka may still write it. A client
    may send it again with the same `event_id`, since workers apply an `event_id` once.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._topics = {kind: settings.prefix + topic for kind, topic in TOPIC_OF.items()}
        self._producer: Any = None
        self._trouble = "not connected yet"
        self._distrusted = asyncio.Event()
        self._last_ack_s = 0.0
        self._keeper: asyncio.Task[None] | None = None
        self._stopping = False

    async def start(self) -> None:
        """Begin to connect; returns at once."""
        self._stopping = False
        self._keeper = asyncio.create_task(self._keep_connected())

    async def deliver(
        self,
        events: Sequence[AnyEvent],
        accepted_ms: int,
        timeout_s: float,
        traceparents: Sequence[bytes | None] = (),
    ) -> Acknowledgement:
        """`traceparents`: one for each event, None for one that is not traced; or none at all."""
        producer = self._producer
        if producer is None:
            return Acknowledgement([False] * len(events), self._trouble)
        accepted = [(ACCEPTED_HEADER, b"%d" % accepted_ms)]
        partitions = {kind: _partitions(producer, self._topics[kind]) for kind in set(map(type, events))}
        acks: list[asyncio.Future[object]] = []
        trouble = ""
        try:
            async with asyncio.timeout(timeout_s):
                for at, event in enumerate(events):
                    kind, key = type(event), key_of(event)
                    trace = traceparents[at] if traceparents else None
                    headers = accepted if trace is None else [*accepted, (TRACEPARENT, trace)]
                    partition = partition_of(key, partitions[kind]) if partitions[kind] else None
                    sent = producer.send(self._topics[kind], encode(event), key, partition, headers=headers)
                    acks.append(await sent)
                for ack in acks:
                    await ack
        except TimeoutError:
            trouble = f"no acknowledgement from {self._settings.bootstrap} within {timeout_s:g} s"
            if time.monotonic() - self._last_ack_s > DISTRUST_AFTER_S:
                self._distrust(trouble)
        except KafkaError as error:
            trouble = f"{self._settings.bootstrap}: {error!r}"
            self._distrust(trouble)
        confirmed = [_confirmed(ack) for ack in acks]
        if any(confirmed):
            self._last_ack_s = time.monotonic()
        confirmed += [False] * (len(events) - len(acks))
        return Acknowledgement(confirmed, trouble)

    async def check(self, timeout_s: float) -> None:
        producer = self._producer
        if producer is None:
            raise BrokerUnavailableError(self._trouble)
        if producer.client._sync_task.done():  # the client would never answer again
            self._distrust("the client's refresh of metadata has ended")
            raise BrokerUnavailableError(self._trouble)
        try:
            async with asyncio.timeout(timeout_s):
                answered = await producer.client.force_metadata_update()
        except TimeoutError:
            answered = False
        if not answered:
            raise BrokerUnavailableError(
                f"no metadata from {self._settings.bootstrap} within {timeout_s:g} s"
            )

    async def stop(self) -> None:
        """Stop connecting, write the queued events for a second at most, and close."""
        if self._keeper is not None:
            self._stopping = True  # aiokafka's close may swallow the cancellation
            self._distrusted.set()
            await cancelled(self._keeper)

    def _distrust(self, trouble: str) -> None:
        """Make the background task connect anew: an idempotent producer can't recover a lost sequence."""
        self._trouble = trouble
        self._distrusted.set()

    async def _keep_connected(self) -> None:
        pause_s, longest_s = RECONNECT_S
        while not self._stopping:
            try:
                producer = await self._connect()
                pause_s = RECONNECT_S[0]
                await self._use(producer)
            except Exception as error:  # after any error the next attempt may succeed
                trouble = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
                if trouble != self._trouble:
                    log.warning("can't connect to Kafka, trying again: %s", trouble)
                self._trouble = trouble
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, longest_s)

    async def _use(self, producer: Any) -> None:
        """Let `deliver` write through `producer` until trouble comes, or until the sink stops."""
        log.info("connected to Kafka at %s", self._settings.bootstrap)
        self._last_ack_s = time.monotonic()
        if not self._stopping:
            self._distrusted.clear()
        self._producer = producer
        try:
            await self._distrusted.wait()
            if not self._stopping:
                log.warning("connecting to Kafka anew: %s", self._trouble)
        finally:
            self._producer = None
            await _close(producer)

    async def _connect(self) -> Any:
        """A started producer. The topics come first: a write would let the broker create them wrongly."""
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            await ensure_topics(self._settings)
            producer = AIOKafkaProducer(
                client_id=client_id(self._settings, "gateway"),
                bootstrap_servers=self._settings.bootstrap,
                acks="all",
                enable_idempotence=True,
                linger_ms=LINGER_MS,
                max_batch_size=BATCH_BYTES,
                request_timeout_ms=self._settings.request_timeout_ms,
            )
            try:
                await producer.start()
                await producer.client.set_topics([self._settings.prefix + topic for topic in EVENT_TOPICS])
            except BaseException:
                await _close(producer)
                raise
        return producer


def _partitions(producer: Any, topic: str) -> int:
    """How many partitions the topic has, as the client knows; 0 where it does not know the topic."""
    return len(producer.client.cluster.partitions_for_topic(topic) or ())


def _confirmed(ack: asyncio.Future[object]) -> bool:
    """Whether the broker acknowledged. Gives up an event that it did not, and counts its error as read."""
    if not ack.done():
        ack.cancel()
        return False
    return not ack.cancelled() and ack.exception() is None


async def _close(producer: Any) -> None:
    """Write the queued events, for `CLOSE_TIMEOUT_S` at most, and close.

    aiokafka's own `stop` waits for its queue without a deadline: an idempotent producer never gives up an
    event.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_TIMEOUT_S):
            await producer.flush()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_TIMEOUT_S):
            await producer._sender.close()
    await producer.client.close()
    producer._closed = True  # else it warns that nobody closed it
