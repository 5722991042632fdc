"""What is asked of the brokers beside reading: where partitions begin and end, which topics there are, and
the bytes of a batch.

A client of its own (aiokafka, in no group) asks, so a slow answer holds up no event.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any

import aiokafka
from aiokafka.errors import KafkaError
from aiokafka.protocol.fetch import FetchRequest
from faust.types import TP

from model.errors import PartEndedError
from streams.events.schema import EVENT_TOPICS
from streams.kafka.spans import Partition
from streams.kafka.topics import client_id, topic_name
from streams.settings.connections import KafkaSettings

READ_COMMITTED = 1
BATCH_BYTES = 1024 * 1024
"""So much is asked for; the broker gives one batch at least, however large."""


class Inquiry:
    """Started and stopped in the loop in which it is asked. Its questions raise `KafkaError` where the
    brokers refuse, `OSError` or `TimeoutError` where they are away.
    """

    def __init__(self, kafka: KafkaSettings) -> None:
        self._timeout_ms = kafka.request_timeout_ms
        self._topics = [topic_name(kafka, name) for name in EVENT_TOPICS]
        self.client = aiokafka.AIOKafkaConsumer(
            client_id=client_id(kafka, "worker-inquiry"),
            bootstrap_servers=kafka.bootstrap,
            request_timeout_ms=kafka.request_timeout_ms,
            isolation_level="read_committed",
            enable_auto_commit=False,
        )

    @property
    def network(self) -> tuple[Any, Any]:
        """aiokafka's network client, and the loop that it runs in."""
        return self.client._client, self.client._loop

    async def start(self) -> None:
        await self.client.start()
        await self.client._client.set_topics(self._topics)

    async def stop(self) -> None:
        await self.client.stop()

    def ended(self) -> BaseException | None:
        """Why the client refreshes what it knows of the cluster no longer; None while it does."""
        return ended_in(self.client, ("refresh of metadata", self.client._client._sync_task))

    async def earliest(self, partitions: Collection[TP]) -> dict[TP, int]:
        """The first offset that each still holds."""
        return await self._offsets(self.client.beginning_offsets, partitions)

    async def ends(self, partitions: Collection[TP]) -> dict[TP, int]:
        """The last stable offset of each."""
        return await self._offsets(self.client.end_offsets, partitions)

    async def _offsets(self, ask: Any, partitions: Collection[TP]) -> dict[TP, int]:
        places = {aiokafka.TopicPartition(*tp): tp for tp in partitions}
        found = await ask(list(places))
        return {places[place]: int(offset) for place, offset in found.items()}

    async def batch(self, partition: Partition, position: int) -> tuple[bytes, int]:
        """The bytes of the log from the batch that holds `position`, and the offset where the log ends."""
        network, place = self.client._client, aiokafka.TopicPartition(*partition)
        async with asyncio.timeout(self._timeout_ms / 1_000):
            while (node := network.cluster.leader_for_partition(place)) in (None, -1):
                await network.force_metadata_update()
        return await fetch_raw(network, node, partition, position, BATCH_BYTES)


def ended_in(client: Any, *tasks: tuple[str, asyncio.Task[Any] | None]) -> PartEndedError | None:
    """Why one of these (name, task) of an aiokafka client has ended; None while all of them run.

    They run until the client is closed; even without an error there is no good end before that.
    """
    for name, task in tasks:
        if task is not None and task.done() and not client._closed:
            error = None if task.cancelled() else task.exception()
            reason = (error.__cause__ if error is not None else None) or error  # the client wraps it
            ended = PartEndedError(f"the Kafka client's {name} has ended: {reason!r}")
            ended.__cause__ = error
            return ended
    return None


async def fetch_raw(
    network: Any, node: int, partition: Partition, position: int, most_bytes: int
) -> tuple[bytes, int]:
    """The bytes of the log from the batch that holds `position`, and the offset where the log ends, asked of
    a broker. Raises `KafkaError` where there is nothing.
    """
    topic, number = partition
    request = FetchRequest(5, 1, most_bytes, READ_COMMITTED, [(topic, [(number, position, most_bytes)])])
    response = await network.send(node, request)
    for _, parts in response.topics:
        for _, error, end, *_, raw in parts:
            if not error and raw:
                return bytes(raw), end
    raise KafkaError(f"the broker returned nothing from offset {position} on")
