"""What is asked of Kafka about a partition that was taken away meanwhile, or of a broker that is away."""

from __future__ import annotations

from typing import Any

import pytest
from aiokafka.errors import IllegalStateError, KafkaTimeoutError
from faust.types import TP

from model.errors import BrokerUnavailableError
from streams.kafka.kafka_log import KafkaLog
from streams.kafka.lag import Standing
from streams.settings.tree import Settings


class Consumer:
    """Has no partition; the log of each ends at 42."""

    def highwater(self, partition: TP) -> int:
        raise AssertionError("Partition is not assigned")

    async def highwaters(self, *partitions: TP) -> dict[TP, int]:
        return dict.fromkeys(partitions, 42)

    async def earliest_offsets(self, *partitions: TP) -> dict[TP, int]:
        raise KafkaTimeoutError("Failed to get offsets by times in 5000 ms")

    async def ends(self, partitions: list[TP]) -> dict[TP, int]:
        return dict.fromkeys(partitions, 40)

    def standings(self) -> dict[TP, Standing]:
        return {TP("headrace.clicks", 1): Standing(7, 2)}

    def seek(self, partition: TP, offset: int) -> None:
        raise IllegalStateError(f"No current assignment for partition {partition}")


class App:
    consumer: Any = Consumer()
    rebalancing = False


@pytest.fixture
def kafka() -> KafkaLog:
    kafka = KafkaLog(Settings())
    kafka.app = App()
    return kafka


async def test_the_broker_is_asked_for_its_end(kafka: KafkaLog) -> None:
    assert await kafka.end("clicks-1", 41) == 42
    assert await kafka.ends(["clicks-1", "items-0"]) == {"clicks-1": 40, "items-0": 40}


async def test_a_broker_that_is_away_is_said_to_be(kafka: KafkaLog) -> None:
    with pytest.raises(BrokerUnavailableError, match=r"127\.0\.0\.1:9092.*Failed to get offsets"):
        await kafka.earliest("clicks-1")


async def test_nothing_stands_anywhere_while_partitions_move(kafka: KafkaLog) -> None:
    assert kafka.standings() == {"clicks-1": Standing(7, 2)}
    kafka.app.rebalancing = True
    assert kafka.standings() == {}
