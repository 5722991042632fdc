"""What is asked of Kafka about a partition that was taken away meanwhile."""

from __future__ import annotations

from typing import Any

from aiokafka.errors import IllegalStateError
from faust.types import TP

from streams.settings import Settings
from streams.worker.app import KafkaLog


class Consumer:
    """Has no partition; the log of each ends at 42."""

    def highwater(self, partition: TP) -> int:
        raise AssertionError("Partition is not assigned")

    async def highwaters(self, *partitions: TP) -> dict[TP, int]:
        return dict.fromkeys(partitions, 42)

    async def reread(self, partition: TP, offset: int) -> None:
        raise IllegalStateError(f"No current assignment for partition {partition}")


class App:
    consumer: Any = Consumer()


async def test_the_broker_is_asked_for_its_end() -> None:
    kafka = KafkaLog(Settings())
    kafka.app = App()
    assert await kafka.end("clicks-1", 41) == 42


async def test_it_is_not_read_again_here() -> None:
    kafka = KafkaLog(Settings())
    kafka.app = App()
    await kafka.reread("clicks-1", 7)
