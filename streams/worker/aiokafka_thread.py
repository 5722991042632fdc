"""Faust's Kafka client over aiokafka, in its own thread: it fetches events, commits offsets, gets partitions.

Fetching: the broker waits for `fetch_min_bytes`, `fetch_max_wait_ms` at most, so several events travel in one
fetch. Most fetches leave out partitions that bring nothing. One event a fetch costs ten times as much as
handling it.

Partitions: the stock driver deals partitions out in turn, topic after topic; with three workers, clicks-0 and
reviews-0 then go to different ones. Here each worker gets a range: equal numbers of all topics go to one
worker, so one place folds all events of a user.

This module uses private members of aiokafka and Faust; pyproject.toml bounds their versions.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, cast

import aiokafka
import uvloop
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import ConsumerStoppedError, IllegalStateError, KafkaError
from faust.transport.drivers import aiokafka as stock
from faust.types import TP

from model.errors import PartEndedError
from streams.kafka.fetched import Fetched, readable_end
from streams.kafka.idle_partitions import spare_idle
from streams.kafka.inquiry import ended_in
from streams.kafka.record import of_aiokafka
from streams.kafka.spans import ClientPartition, Span
from streams.settings.connections import KafkaSettings
from streams.worker.membership import watch_membership
from streams.worker.waiting import watch_ends

if TYPE_CHECKING:
    from streams.worker.driver import Transport

log = logging.getLogger(__name__)

HELD_BACK_S = 0.02
"""While all partitions are held back, so often is asked whether one is let go."""

MAX_POLL_INTERVAL_MS = 24 * 3_600_000
"""A worker that waits for its store keeps its partitions: another worker could not write either."""


class AiokafkaThread(stock.AIOKafkaConsumerThread):
    """Faust's consumer thread over a consumer with our settings, on a faster event loop."""

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
            fetch_min_bytes=kafka.fetch_min_bytes or 65_536,
            fetch_max_wait_ms=kafka.fetch_max_wait_ms or 5,
            request_timeout_ms=request_timeout_ms(kafka),
            session_timeout_ms=kafka.session_timeout_ms,
            rebalance_timeout_ms=kafka.session_timeout_ms,
            heartbeat_interval_ms=kafka.heartbeat_ms,
            max_poll_interval_ms=MAX_POLL_INTERVAL_MS,
        )

    async def getmany(self, active_partitions: set[TP] | None, timeout: float) -> Any:
        """The next fetched chunks by their partitions. The stock method sleeps a second when all
        partitions are held back.
        """
        if not active_partitions:
            await asyncio.sleep(HELD_BACK_S)
            return {}
        return await super().getmany(active_partitions, timeout)

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
            fetched = await self.fetched.take(fetcher, active_partitions, timeout or 0.0)
        return {
            (tp := TP(*partition)): chunk._replace(records=[of_aiokafka(tp, each) for each in chunk.records])
            for partition, chunk in fetched.items()
        }

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        """Tell Kafka where the next worker begins to read. This may fail: the store's progress holds what was
        applied, so a second reading changes nothing.
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
            log.warning("can't commit offsets, trying again: %r", error)
            return False
        return True

    async def reread(self, partition: TP, offset: int) -> int:
        """Go on at `offset`; returns the number of this seek. Events fetched before it still come out. If
        another worker has the partition by now, that worker reads it from where the store's progress ends.
        """
        number: int = await self.call_thread(self._reread, partition, offset)
        return number

    async def _reread(self, partition: TP, offset: int) -> int:
        number = self.fetched.sought(partition)
        with contextlib.suppress(AssertionError, IllegalStateError):
            self._ensure_consumer().seek(partition, offset)
        return number

    async def ends(self, partitions: list[TP]) -> dict[Any, int]:
        """The last stable offset of each partition, as the broker reports it. A slow answer does not hold up
        seeks.
        """
        asking = self._ensure_consumer().end_offsets(partitions)
        ends: dict[Any, int] = await asyncio.wrap_future(
            asyncio.run_coroutine_threadsafe(asking, self.thread_loop)
        )
        return ends

    def hold_back(self, partition: TP) -> None:
        """Nothing: `getmany` names the partitions that are wanted."""

    def let_go(self, partition: TP) -> None:
        """Nothing, too."""

    def known(self, partition: TP) -> ClientPartition | None:
        """None where this worker does not have the partition."""
        assignment = self._assignment()
        state = None if assignment is None else assignment.state_value(partition)
        if state is None:
            return None
        position, end = state._position, readable_end(state)
        span = self.fetched.spans_of(assignment).get(partition)
        held_back = 0 if end is None else state.highwater - end
        return ClientPartition(position, end, held_back, -1 if span is None else span.last)

    def more_to_come(self, partition: TP, last: int) -> bool:
        known = self.known(partition)
        return known is not None and (known.last > last or known.has_more)

    def spans(self) -> dict[Any, Span]:
        """What this client has read of the partitions since it got them."""
        return self.fetched.spans_of(self._assignment())

    def network(self) -> tuple[Any, Any] | None:
        """aiokafka's network client, and the loop that it runs in; None before there is one."""
        client: Any = self._consumer
        return None if client is None else (client._client, self.thread_loop)

    def ended(self) -> BaseException | None:
        """Why this thread, or what aiokafka runs in it, has ended; None where all is well."""
        if self._thread is not None and not self._thread.is_alive():
            return PartEndedError("the thread that reads from Kafka has ended")
        client: Any = self._consumer
        if client is None or client._closed:
            return None
        fetcher, coordinator = getattr(client, "_fetcher", None), getattr(client, "_coordinator", None)
        if coordinator is not None and (kept := coordinator._pending_exception) is not None:
            # It rests until somebody fetches, and nobody does while partitions move.
            ended = PartEndedError(f"the Kafka client's group coordination has failed: {kept!r}")
            ended.__cause__ = kept
            return ended
        return ended_in(
            client,
            ("refresh of metadata", client._client._sync_task),
            ("fetcher", fetcher and fetcher._fetch_task),
            ("group coordination", coordinator and getattr(coordinator, "_coordination_task", None)),
        )

    def _assignment(self) -> Any:
        subscription = self._ensure_consumer()._subscription.subscription
        return None if subscription is None else subscription.assignment


def request_timeout_ms(kafka: KafkaSettings) -> int:
    """The broker answers a join of the group after the rebalance, so this is at least a session's time."""
    return max(kafka.request_timeout_ms, kafka.session_timeout_ms + 1_000)
