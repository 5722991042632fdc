"""Which dead letters were replayed: a consumer group's offset on the topic remembers it.

Every letter before the offset is done. A replay may choose letters by their reason, so some letters after the
offset may be done too: their positions stand in the offset's metadata.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any, NamedTuple

from aiokafka import OffsetAndMetadata, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError

from model.errors import DataError
from streams.kafka.topics import client_id, topic_name
from streams.settings.connections import KafkaSettings

METADATA_MAX_BYTES = 4_000  # brokers take 4,096
FIRST_GROUP_S = 10.0


class ReplayedPositions(NamedTuple):
    """The positions of all letters before `before`, and the positions `after`."""

    before: int
    after: frozenset[int]

    def __contains__(self, position: object) -> bool:
        return isinstance(position, int) and (position < self.before or position in self.after)

    def with_(self, positions: set[int]) -> ReplayedPositions:
        """These positions too."""
        before, after = self.before, set(self.after | positions)
        while before in after:
            after.discard(before)
            before += 1
        return ReplayedPositions(before, frozenset(position for position in after if position > before))


def pack_positions(positions: frozenset[int]) -> str:
    """Positions as ranges.

    >>> pack_positions(frozenset({4, 5, 6, 9}))
    '4-6,9'
    """
    ranges: list[list[int]] = []
    for position in sorted(positions):
        if ranges and ranges[-1][1] == position - 1:
            ranges[-1][1] = position
        else:
            ranges.append([position, position])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)


def unpack_positions(text: str) -> frozenset[int]:
    """The positions that `pack_positions` packed.

    >>> sorted(unpack_positions("4-6,9"))
    [4, 5, 6, 9]
    """
    positions: set[int] = set()
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        positions.update(range(int(first), int(last or first) + 1))
    return frozenset(positions)


async def read_replayed(settings: KafkaSettings, place: TopicPartition) -> ReplayedPositions:
    """What earlier replays sent. (A consumer shows only the offset; an admin client also the metadata.)"""
    admin = AIOKafkaAdminClient(
        client_id=client_id(settings, "dead-letter-box"),
        bootstrap_servers=settings.bootstrap,
        request_timeout_ms=settings.request_timeout_ms,
    )
    try:
        await admin.start()
        offsets = await _offsets(admin, replay_group(settings), place)
    finally:
        await admin.close()
    committed = offsets.get(place)
    if committed is None or committed.offset < 0:
        return ReplayedPositions(0, frozenset())
    return ReplayedPositions(committed.offset, unpack_positions(committed.metadata))


async def _offsets(admin: AIOKafkaAdminClient, group: str, place: TopicPartition) -> Any:
    """The group's offsets. A cluster makes the topic of its groups at the first request, so this waits."""
    until_s = time.monotonic() + FIRST_GROUP_S
    while True:
        try:
            return await admin.list_consumer_group_offsets(group, partitions=[place])
        except GroupCoordinatorNotAvailableError:
            if time.monotonic() > until_s:
                raise
            await asyncio.sleep(FIRST_GROUP_S / 50)


def replay_group(settings: KafkaSettings) -> str:
    """The consumer group of all replays."""
    return topic_name(settings, "dead-letters-replay")


async def write_replayed(consumer: Any, place: TopicPartition, replayed: ReplayedPositions) -> None:
    """Remember what replays sent. Raises `DataError` where the positions don't fit into the metadata."""
    metadata = pack_positions(replayed.after)
    if len(metadata) > METADATA_MAX_BYTES:
        raise DataError(
            "the replay sent its letters, but they lie too scattered to be remembered; replay without"
            " --reason, or the next replay sends them again"
        )
    await consumer.commit({place: OffsetAndMetadata(replayed.before, metadata)})
