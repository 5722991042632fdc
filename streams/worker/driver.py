"""Faust's Kafka driver with two things changed that it fixes: how events are fetched, and who gets which
partition.

Fetching: the broker waits for `fetch_min_bytes`, `fetch_max_wait_ms` at most, so that several events travel
in one fetch, and partitions that bring nothing are left out of most fetches. One event a fetch costs ten
times as much as handling it.

Partitions: the stock driver deals partitions out in turn, topic after topic; with three workers, clicks-0 and
reviews-0 then meet in different ones. By ranges, equal numbers of all topics go to one worker, so that all
events of a user are folded in one place.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any, NamedTuple, cast

import aiokafka
import uvloop
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from faust.transport.drivers import aiokafka as stock
from faust.types import TP
from yarl import URL

from streams.settings import KafkaSettings
from streams.worker.idle_partitions import spare_idle
from streams.worker.membership import Membership, watch_membership
from streams.worker.waiting import Waiting, watch_ends


class ConsumerThread(stock.AIOKafkaConsumerThread):
    """Faust's consumer thread over a consumer of our making, on a faster event loop."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, thread_loop=uvloop.new_event_loop(), **more)
        self._close_thread_loop_on_stop = True

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
            fetch_min_bytes=kafka.fetch_min_bytes,
            fetch_max_wait_ms=kafka.fetch_max_wait_ms,
            request_timeout_ms=request_timeout_ms(kafka),
            session_timeout_ms=kafka.session_timeout_ms,
            rebalance_timeout_ms=kafka.session_timeout_ms,
            heartbeat_interval_ms=kafka.heartbeat_ms,
            max_poll_interval_ms=MAX_POLL_INTERVAL_MS,
        )


class _Reread(NamedTuple):
    offset: int
    until_s: float


class Consumer(stock.Consumer):
    """Faust's consumer over that thread, and a way to go back that holds.

    After a seek, what was fetched before still comes out; Faust notes its offsets as read, and then drops
    what the seek brings.
    """

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._rereads: dict[TP, _Reread] = {}

    async def reread(self, partition: TP, offset: int) -> None:
        """Go on at `offset`; nothing else of the partition comes out before it."""
        self._rereads[partition] = _Reread(offset, time.monotonic() + STALE_AT_MOST_S)
        await self.seek_wait({partition: offset})

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Any]]:
        async for partition, message in super().getmany(timeout):
            reread = self._rereads.get(partition)
            if reread is not None:
                if message.offset != reread.offset and time.monotonic() < reread.until_s:
                    continue
                del self._rereads[partition]
                self._read_offset[partition] = None
            yield partition, message

    async def _drain_messages(self, fetcher: Any) -> None:
        """Hand on what is fetched, for as long as the fetcher runs.

        The stock loop makes four tasks for every event, to be woken where partitions are revoked while the
        queue is full. Here that is looked up before each event; what slips through is of an old generation,
        and left out.
        """
        stopped, fetcher_stopped = self._stopped.is_set, fetcher._stopped.is_set
        read_offsets, deliver, acks_enabled = (
            self._read_offset,
            self.callback,
            self.app.topics.acks_enabled_for,
        )
        try:
            while not (stopped() or fetcher_stopped()):
                await asyncio.sleep(0)
                async for partition, message in self.getmany(timeout=1.0):
                    if not self.flow_active:
                        break
                    offset, last = message.offset, read_offsets[partition]
                    if last is not None and offset < last:
                        continue
                    if last and offset > last + 1 and acks_enabled(message.topic):
                        await self._add_gap(partition, last + 1, offset)
                    await deliver(message)
                    read_offsets[partition] = offset
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


STALE_AT_MOST_S = 3.0
"""So long after a seek other offsets are taken for old ones; later, the log itself lacks the one sought."""

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
