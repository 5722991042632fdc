"""aiokafka's own decoding of made bytes, in place of a broker's answers."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import READ_COMMITTED, FetchError, FetchResult, PartitionRecords
from aiokafka.consumer.subscription_state import SubscriptionState
from aiokafka.record.memory_records import MemoryRecords

from streams.kafka.fetched import Fetched
from streams.kafka.record import Chunk

CLICKS = TopicPartition("headrace.clicks", 0)


class Fetcher:
    """What `Fetched` asks of aiokafka's fetcher; `log` is the whole partition, as the broker keeps it."""

    _closed = False
    _fetch_max_wait_ms = _fetch_max_bytes = _max_partition_fetch_bytes = _isolation_level = 1

    def __init__(self, log: list[bytes], end: int, aborted: list[tuple[int, int]] | None = None) -> None:
        self.log, self.end, self.aborted = log, end, aborted
        self._records: dict[TopicPartition, Any] = {}
        self._subscriptions = SubscriptionState()
        self._subscriptions.assign_from_user({CLICKS})
        self._subscriptions._subscription._reassignment_in_progress = False
        self._wait_consume_future = None
        self._client = self
        self.asked = 0
        self.seek(0)

    def seek(self, offset: int) -> None:
        self._subscriptions.seek(CLICKS, offset)
        self._records.pop(CLICKS, None)

    @property
    def position(self) -> int:
        return int(self._state.position)

    @property
    def _state(self) -> Any:
        return self._subscriptions.subscription.assignment.state_value(CLICKS)

    def _from(self, position: int) -> bytes:
        """As a broker answers: from the batch that holds the position."""
        held = [each for each in self.log if _end(each) > position]
        return b"".join(held)

    def fetch(self) -> None:
        """As the background task of the real one."""
        if raw := self._from(self.position):
            records = PartitionRecords(
                CLICKS, MemoryRecords(raw), self.aborted, self.position, None, None, True, READ_COMMITTED
            )
            assignment = self._subscriptions.subscription.assignment
            self._records[CLICKS] = FetchResult(
                CLICKS, assignment=assignment, partition_records=records, backoff=0
            )

    def fail(self, error: Exception) -> None:
        self._records[CLICKS] = FetchError(error=error, backoff=0)

    async def send(self, node: object, request: Any) -> Any:
        """The broker's answer to a fetch by itself."""
        self.asked += 1
        ((_, ((_, position, _),)),) = request.topics
        parts = [(0, 0, self.end, self.end, 0, None, -1, self._from(position))]
        return SimpleNamespace(topics=[(CLICKS.topic, parts)])

    def _notify(self, _: object) -> None:
        return None

    def _select_read_replica(self, _: object) -> int:
        return 1

    def _create_fetch_waiter(self) -> asyncio.Future[None]:
        return asyncio.get_running_loop().create_future()


def _end(raw: bytes) -> int:
    return int.from_bytes(raw[:8]) + int.from_bytes(raw[23:27]) + 1


async def read_all(fetcher: Fetcher, fetched: Fetched) -> list[Chunk]:
    """Fetch and take until nothing comes any more."""
    chunks: list[Chunk] = []
    while True:
        before = fetcher.position
        fetcher.fetch()
        chunks += (await fetched.take(fetcher, {CLICKS}, 0.0)).values()
        if fetcher.position == before:
            return chunks
