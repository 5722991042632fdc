"""What a Kafka client has fetched, and from which offset on it has read without leaving anything out.

Offsets need not be neighbours: transactions leave markers, aborted and compacted records leave holes. Only
the client's own position tells such a hole from events that were dropped on the way. So each chunk says where
the reading began that came to it without a break.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import Collection
from typing import Any, NamedTuple

from aiokafka.consumer.fetcher import FetchResult
from aiokafka.errors import ConsumerStoppedError, KafkaError, RecordTooLargeError
from aiokafka.protocol.fetch import FetchRequest

from streams.kafka.salvage import salvage

log = logging.getLogger(__name__)

Partition = tuple[str, int]
"""Topic and number, as aiokafka's and Faust's own kinds of it."""

_SEEKS = itertools.count(1)
"""Numbers for seeks; no two of a process are the same, and later ones are greater."""


def readable_end(state: Any) -> int | None:
    """Where a partition ends for whoever reads what is committed, by what aiokafka heard last; None: nothing.

    What lies behind the last stable offset belongs to an open transaction, or stands behind one.
    """
    end: int | None = state.highwater
    if end is not None and state.lso is not None and state.lso >= 0:
        return min(end, int(state.lso))
    return end


class Span(NamedTuple):
    """All offsets from `start` up to `end` (not included) were read; `events_end`: behind the last event."""

    start: int
    events_end: int
    end: int

    def standing(self, acknowledged: int) -> int:
        """The offset that comes next, where everything before `acknowledged` is done with.

        >>> Span(0, 5, 7).standing(3), Span(0, 5, 7).standing(5), Span(0, 0, 2).standing(0)
        (3, 7, 2)
        """
        acknowledged = max(acknowledged, self.start)
        return max(acknowledged, self.end) if acknowledged >= self.events_end else acknowledged


def onward(before: Span | None, position: int, events_end: int | None, end: int) -> tuple[Span, int]:
    """The span after reading from `position` to `end`, and since which offset nothing was left out before the
    first event of that. `events_end`: behind the last one, if there is any.

    >>> span, since = onward(Span(0, 5, 7), 7, 9, 10)  # offsets 5 and 6 held no event, nor do 9 and 10
    >>> span, since
    (Span(start=0, events_end=9, end=10), 5)
    >>> onward(span, 20, 22, 22)  # something moved the position
    (Span(start=20, events_end=22, end=22), 20)
    """
    if before is None or before.end != position:
        before = Span(position, position, position)
    return Span(before.start, before.events_end if events_end is None else events_end, end), before.events_end


class Chunk(NamedTuple):
    """Records of one partition in order. The offsets from `since` up to the first one hold no event, nor do
    those between two. `seek`: the number of the last seek before it was read.
    """

    records: list[Any]
    since: int
    seek: int


class Fetched:
    """Takes chunks out of an aiokafka fetcher, in the fetcher's own thread; `spans_of` is asked in any."""

    def __init__(self) -> None:
        self.spans: dict[Partition, Span] = {}
        self._seeks: dict[Partition, int] = {}
        self._first_seek = next(_SEEKS)
        self._assignment: Any = None

    def spans_of(self, assignment: Any) -> dict[Partition, Span]:
        """What was read since these partitions were assigned: a new assignment begins where the group's
        offsets say, whatever was read before.
        """
        return self.spans if self._assignment is assignment else {}

    def sought(self, partition: Partition) -> int:
        """The number of a seek that is about to be made."""
        self._seeks[partition] = number = next(_SEEKS)
        return number

    async def take(
        self, fetcher: Any, partitions: Collection[Partition], timeout_s: float
    ) -> dict[Partition, Chunk]:
        """All that is there of `partitions`; where there is nothing, what comes first within `timeout_s`.

        It is aiokafka's `fetched_records`, with two differences: chunks say where they begin, and a batch
        that can't be decoded costs no other one. Raises `KafkaError` where the broker refuses.
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
            waiter.result()  # raises what the group's coordinator was refused

    def _ready(
        self, fetcher: Any, partitions: Collection[Partition], chunks: dict[Partition, Chunk]
    ) -> list[Partition]:
        """Fill `chunks`; the partitions whose next batch can't be decoded."""
        broken = []
        for partition in list(fetcher._records):
            if partition not in partitions:
                if not fetcher._subscriptions.is_assigned(partition):
                    del fetcher._records[partition]
                continue
            fetched = fetcher._records[partition]
            if not isinstance(fetched, FetchResult):
                if chunks:
                    continue  # an error is raised when nothing else is there
                del fetcher._records[partition]
                fetcher._notify(fetcher._wait_consume_future)
                if isinstance(fetched._error, RecordTooLargeError):
                    # A batch that announces more bytes than there are; aiokafka has gone past its offset.
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
        """Note that `records` were read from `position` to `end`, and go on behind them."""
        if assignment is not self._assignment:
            self.spans, self._assignment = {}, assignment
        events_end = records[-1].offset + 1 if records else None
        self.spans[partition], since = onward(self.spans.get(partition), position, events_end, end)
        # Last: another thread that sees the new position sees the span of it as well.
        assignment.state_value(partition).consumed_to(end)
        if not records:
            return
        if partition in chunks:
            chunks[partition].records.extend(records)
        else:
            chunks[partition] = Chunk(records, since, self._seeks.get(partition, self._first_seek))

    async def _salvage(self, fetcher: Any, partition: Partition, chunks: dict[Partition, Chunk]) -> None:
        """Take apart the batch that comes next. Raises `UndecodableError` where its end isn't known."""
        assignment = fetcher._subscriptions.subscription.assignment
        position = assignment.state_value(partition).position
        try:
            raw, limit = await _raw(fetcher, partition, position)
        except KafkaError as error:
            log.warning("%s-%d: fetched again later: %r", *partition, error)
            return
        if fetcher._closed:
            raise ConsumerStoppedError
        state = assignment.state_value(partition)
        if not assignment.active or not state.has_valid_position or state.position != position:
            return  # it was taken away, or sought, meanwhile
        records, end = salvage(raw, *partition, position, limit)
        self._read(assignment, partition, position, records, end, chunks)


async def _raw(fetcher: Any, partition: Partition, position: int) -> tuple[bytes, int]:
    """The bytes of the log from the batch that holds `position`, and the offset where the log ends."""
    topic, number = partition
    node = fetcher._select_read_replica(partition)
    request = FetchRequest(
        fetcher._fetch_max_wait_ms,
        1,
        fetcher._fetch_max_bytes,
        fetcher._isolation_level,
        [(topic, [(number, position, fetcher._max_partition_fetch_bytes)])],
    )
    response = await fetcher._client.send(node, request)
    for _, parts in response.topics:
        for _, error, end, *_, raw in parts:
            if not error and raw:
                return bytes(raw), end
    raise KafkaError(f"nothing came from offset {position}")
