"""Which messages of a batch are to be applied: of each partition the next one, then the one after it.

What was applied before is left out, and what came too early is read again (see `streams.kafka.gaps`).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Protocol

from streams.kafka.gaps import Gaps
from streams.kafka.message import Message
from streams.kafka.progress_check import beyond_the_end
from streams.worker.metrics import WorkerMetrics

log = logging.getLogger(__name__)


class PartitionLog(Protocol):
    """What must be asked of Kafka about a partition; a place is "topic-partition"."""

    async def earliest(self, place: str) -> int:
        """The first offset that is still there."""
        ...

    async def end(self, place: str, after: int) -> int:
        """The offset after the last one; what was heard last will do where it is above `after`."""
        ...

    async def reread(self, place: str, offset: int) -> int:
        """Go on reading at `offset`; the number of this seek, which the messages name that come after it."""
        ...

    def assigned(self) -> list[str]:
        """The places that this process reads."""
        ...


class MessageSet:
    """Some of a batch's messages, each by itself: two may be of one offset, which was read before a seek and
    after it, and only the second one's turn comes.
    """

    def __init__(self) -> None:
        self._messages: dict[int, Message] = {}

    def add(self, message: Message) -> None:
        self._messages[id(message)] = message

    def __contains__(self, message: Message) -> bool:
        return id(message) in self._messages

    def __len__(self) -> int:
        return len(self._messages)


class OffsetOrder:
    """Keeps each partition in the order of its offsets; `gaps` knows where it is read again."""

    def __init__(self, kafka: PartitionLog, metrics: WorkerMetrics) -> None:
        self.kafka, self.metrics = kafka, metrics
        self.gaps = Gaps()

    async def in_order(
        self, messages: Sequence[Message], progress: Mapping[str, int]
    ) -> tuple[MessageSet, MessageSet]:
        """The messages to apply, each the next one of its partition, and those that were applied before.

        Whatever else there is came too early: something before it was left out and is read again. Raises
        `ProgressError` where the store is ahead of Kafka.
        """
        taken, old = MessageSet(), MessageSet()
        upcoming = {place: offset + 1 for place, offset in progress.items()}
        for message in messages:
            place, offset = message.place, message.offset
            expected = upcoming[place]
            if offset < expected:
                end = await self.kafka.end(place, progress[place])
                if end <= progress[place]:
                    raise beyond_the_end(place, end, progress[place])
                self.metrics.events.add(1, message.topic, "skipped")
                self.metrics.skipped.add(1, "offset")
                old.add(message)
                continue
            since = offset if message.since is None else message.since
            if since > expected:
                verdict = self.gaps.judge(place, expected, since, message.seek)
                if verdict == "stale" or (
                    verdict == "reread" and not await self._gone(place, expected, since)
                ):
                    continue
            taken.add(message)
            upcoming[place] = offset + 1
        return taken, old

    async def _gone(self, place: str, expected: int, since: int) -> bool:
        """Whether Kafka has nothing left from `expected` up to `since`; what it has is read again."""
        earliest = await self.kafka.earliest(place)
        if since <= earliest:
            log.warning("%s: offsets %d to %d are gone from Kafka", place, expected, since - 1)
            self.metrics.gaps.labels("accept").inc()
            return True
        log.info("%s: read again from offset %d, %d came", place, max(expected, earliest), since)
        self.metrics.gaps.labels("reread").inc()
        self.gaps.sought(place, await self.kafka.reread(place, max(expected, earliest)))
        return False
