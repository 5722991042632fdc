"""What a worker asks Kafka for beside events: ends, standings, assignments, seeks."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Collection
from typing import Any, TypeVar

from aiokafka.errors import IllegalStateError, KafkaError
from faust.types import TP

from model.errors import BrokerUnavailableError
from streams.kafka.lag import Standing
from streams.settings.tree import Settings

T = TypeVar("T")


class KafkaLog:
    """Asks the app's consumer, or the broker through it.

    Raises `BrokerUnavailableError` where the broker does not answer.
    """

    def __init__(self, settings: Settings) -> None:
        self._bootstrap, self._prefix = settings.kafka.bootstrap, settings.kafka.prefix
        self.app: Any = None

    def _partition(self, place: str) -> TP:
        topic, _, partition = place.rpartition("-")
        return TP(self._prefix + topic, int(partition))

    def _place(self, partition: TP) -> str:
        return f"{partition.topic.removeprefix(self._prefix)}-{partition.partition}"

    async def earliest(self, place: str) -> int:
        partition = self._partition(place)
        offsets = await self._answer(self.app.consumer.earliest_offsets(partition))
        return int(offsets[partition])

    async def end(self, place: str, after: int) -> int:
        partition, heard = self._partition(place), 0
        # The worker may lose partitions at any moment; then the consumer refuses to answer for them.
        with contextlib.suppress(AssertionError, IllegalStateError):
            heard = self.app.consumer.highwater(partition) or 0
        if heard > after:
            return int(heard)
        # The broker returns the last stable offset, which lies before an open transaction.
        ends = await self._answer(self.app.consumer.highwaters(partition))
        return max(int(heard), int(ends[partition]))

    async def reread(self, place: str, offset: int) -> int:
        return int(await self.app.consumer.reread(self._partition(place), offset))

    def assigned(self) -> list[str]:
        return [
            self._place(partition)
            for partition in (self.app.consumer.assignment() if self.app is not None else ())
        ]

    def standings(self) -> dict[str, Standing]:
        """How far the worker is in each assigned partition; empty while it can't read."""
        if self.app is None or self.app.consumer is None or self.app.rebalancing:
            return {}
        with contextlib.suppress(AssertionError, AttributeError, IllegalStateError):
            standings = self.app.consumer.standings()
            return {self._place(partition): standing for partition, standing in standings.items()}
        return {}

    async def ends(self, places: Collection[str]) -> dict[str, int]:
        """Where each partition ends: behind its last readable event."""
        partitions = {self._partition(place): place for place in places}
        ends = await self._answer(self.app.consumer.ends(list(partitions)))
        return {partitions[partition]: int(end) for partition, end in ends.items()}

    async def _answer(self, asking: Awaitable[T]) -> T:
        try:
            return await asking
        except (KafkaError, OSError, TimeoutError) as error:
            raise BrokerUnavailableError(
                f"Kafka at {self._bootstrap} did not say what its partitions hold"
                f" ({type(error).__name__}: {error}); the worker asks again"
            ) from error
