"""A Faust app that reads events as a worker does, and only keeps them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any, cast

import msgspec
from faust.types import TP

from streams.kafka.kafka_log import KafkaLog
from streams.kafka.topics import topic_name
from streams.settings.tree import Settings
from streams.worker.app import create_app
from streams.worker.intake import BatchIntake
from streams.worker.membership import Membership
from streams.worker.waiting import Waiting
from tests.connected.events_on_kafka import eventually

CONSUMERS = ("librdkafka", "aiokafka")


class Reading:
    """`records`: what has come of the assignment that was in force then. `acknowledging`: whether all of it
    is acknowledged at once.
    """

    def __init__(self, settings: Settings) -> None:
        self.kafka = settings.kafka
        self.records: list[Any] = []
        self.acknowledging = True
        self.membership, self.waiting = Membership(settings.kafka), Waiting()
        self.app: Any = create_app(settings, cast("BatchIntake", self), self.membership, self.waiting)
        self.log = KafkaLog(settings)
        self.log.app = self.app

    async def run(self, app: Any, queue: Any) -> None:
        """In place of the worker's intake."""
        while True:
            record = await queue.get()
            if record.generation_id == app.consumer_generation_id:
                self.records.append(record)
                if self.acknowledging:
                    record.ack()

    def of(self, topic: str, number: int = 0) -> Iterator[Any]:
        name = topic_name(self.kafka, topic)
        return (record for record in self.records if (record.topic, record.partition) == (name, number))

    def values(self, topic: str, number: int = 0) -> list[bytes | None]:
        return [record.value for record in self.of(topic, number)]

    def offsets(self, topic: str, number: int = 0) -> list[int]:
        return [record.offset for record in self.of(topic, number)]

    def place(self, topic: str, number: int = 0) -> TP:
        return TP(topic_name(self.kafka, topic), number)

    @property
    def numbers(self) -> dict[str, set[int]]:
        """The partitions that it has, by their topics."""
        found: dict[str, set[int]] = {}
        for tp in self.app.consumer.assignment():
            found.setdefault(tp.topic, set()).add(tp.partition)
        return found

    @property
    def settled(self) -> bool:
        return not self.membership.trouble and not self.app.rebalancing


@asynccontextmanager
async def reading(settings: Settings, consumer: str, settled: bool = True) -> AsyncIterator[Reading]:
    """Such an app with one of the clients; it has its partitions when the block begins."""
    kafka = msgspec.structs.replace(
        settings.kafka, consumer=consumer, session_timeout_ms=3_000, heartbeat_ms=300
    )
    found = Reading(msgspec.structs.replace(settings, kafka=kafka))
    await found.app.start()
    try:
        if settled:
            await eventually(lambda: found.settled and bool(found.numbers), what="for partitions")
        yield found
    finally:
        await found.app.stop()
