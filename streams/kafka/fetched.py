"""What aiokafka's client has fetched, as chunks; each names the offset since which nothing was left out
(`spans.py`).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Collection
from typing import Any

from aiokafka.consumer.fetcher import FetchResult
from aiokafka.errors import ConsumerStoppedError, KafkaError, RecordTooLargeError

from streams.kafka.inquiry import fetch_raw
from streams.kafka.record import Chunk
from streams.kafka.salvage import salvage
from streams.kafka.spans import Partition, Span, next_seek, onward

log = logging.getLogger(__name__)


def readable_end(state: Any) -> int | None:
    """Where a partition ends for a reader of committed events, as last heard; None: not heard yet.

    Offsets behind the last stable offset belong to an open transaction, or lie behind its start.
    """
    end: int | None = state.highwater
    if end is not None and state.lso is not None and state.lso >= 0:
        return min(end, int(state.lso))
    return end


class Fetched:
    """Takes chunks out of an aiokafka fetcher, in the fetcher's thread; any thread may call `spans_of`."""

    def __init__(self) -> None:
        self.spans: dict[Partition, Span] = {}
        self._seeks: dict[Partition, int] = {}
        self._first_seek = next_seek()
        self._assignment: Any = None

    def spans_of(self, assignment: Any) -> dict[Partition, Span]:
        """What the client has read in this assignment. A new assignment begins at the group's offsets,
        whatever the client read before.
        """
        return self.spans if self._assignment is assignment else {}

    def sought(self, partition: Partition) -> int:
        """The number of the seek that the caller makes next."""
        self._seeks[partition] = number = next_seek()
        return number

    async def take(
        self, fetcher: Any, partitions: Collection[Partition], timeout_s: float
    ) -> dict[Partition, Chunk]:
        """All fetched chunks of `partitions`; if there are none, the first that come within `timeout_s`.

        This does the work of aiokafka's `fetched_records`, with two differences: chunks name the offset where
        they begin, and a batch that can't be decoded costs no other batch. Raises `KafkaError` where the
        broker refuses.
        """
        until_s = time.monotonic() + timeout_s
        while True:
            if fetcher._subscriptions.reassignment_in_progress:
                await fetcher._subscriptions.wait_for_assignment()
            chunks: dict[Partition, Chunk] = {}
            for partition in self._ready(fetcher, partitions, chunks):
                await self._salvage(fetcher, partition, chunks)
            left_s = until_s - time.monotonic()
            if chunks or left_s <= 0:
                return chunks
            waiter = fetcher._create_fetch_waiter()
            done, _ = await asyncio.wait([waiter], timeout=left_s)
            if not done or fetcher._closed:
                waiter.cancel()
                return {}
            waiter.result()  # raises the broker's refusal of the group's coordinator

    def _ready(
        self, fetcher: Any, partitions: Collection[Partition], chunks: dict[Partition, Chunk]
    ) -> list[Partition]:
        """Fill `chunks`; returns the partitions whose next batch can't be decoded."""
        broken = []
        for partition in list(fetcher._records):
            if partition not in partitions:
                if not fetcher._subscriptions.is_assigned(partition):
                    del fetcher._records[partition]
                continue
            fetched = fetcher._records[partition]
            if not isinstance(fetched, FetchResult):
                if chunks:
                    continue  # raise an error only when there is nothing else
                del fetcher._records[partition]
                fetcher._notify(fetcher._wait_consume_future)
                if isinstance(fetched._error, RecordTooLargeError):
                    # A batch announces more bytes than there are; aiokafka has gone past its offset.
                    state = fetcher._subscriptions.subscription.assignment.state_value(partition)
                    state.consumed_to(state.position - 1)
                    broken.append(partition)
                    continue
                fetched.check_raise()
            del fetcher._records[partition]
            fetcher._notify(fetcher._wait_consume_future)
            if not fetched.check_assignment(partition):
                continue
            unread = fetched._partition_records
            position, records = unread.next_fetch_offset, []
            try:
                for record in unread:
                    records.append(record)  # noqa: PERF402  # what came before an error is kept
            except Exception as error:  # each codec's library has errors of its own
                log.warning("%s-%d: decoding record by record: %r", *partition, error)
                broken.append(partition)
            self._read(fetched._assignment, partition, position, records, unread.next_fetch_offset, chunks)
        return broken

    def _read(
        self,
        assignment: Any,
        partition: Partition,
        position: int,
        records: list[Any],
        end: int,
        chunks: dict[Partition, Chunk],
    ) -> None:
        """Note that the client read `records` from `position` to `end`, and go on behind them."""
        if assignment is not self._assignment:
            self.spans, self._assignment = {}, assignment
        events_end = records[-1].offset + 1 if records else None
        self.spans[partition], since = onward(self.spans.get(partition), position, events_end, end)
        # This comes last: a thread that sees the new position then sees its span too.
        assignment.state_value(partition).consumed_to(end)
        if not records:
            return
        if partition in chunks:
            chunks[partition].records.extend(records)
        else:
            chunks[partition] = Chunk(records, since, self._seeks.get(partition, self._first_seek))

    async def _salvage(self, fetcher: Any, partition: Partition, chunks: dict[Partition, Chunk]) -> None:
        """Take the next batch apart. Raises `UndecodableError` where the batch's end is not known."""
        assignment = fetcher._subscriptions.subscription.assignment
        position = assignment.state_value(partition).position
        try:
            node = fetcher._select_read_replica(partition)
            most_bytes = fetcher._max_partition_fetch_bytes
            raw, limit = await fetch_raw(fetcher._client, node, partition, position, most_bytes)
        except KafkaError as error:
            log.warning("%s-%d: can't fetch the batch, trying again later: %r", *partition, error)
            return
        if fetcher._closed:
            raise ConsumerStoppedError
        state = assignment.state_value(partition)
        if not assignment.active or not state.has_valid_position or state.position != position:
            return  # meanwhile the partition went to another worker, or the worker sought in it
        records, end = salvage(raw, *partition, position, limit)
        self._read(assignment, partition, position, records, end, chunks)
