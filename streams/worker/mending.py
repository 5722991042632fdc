"""Batches that librdkafka's client can't decode are fetched as bytes, and taken apart record by record."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from aiokafka.errors import KafkaError
from faust.types import TP

from model.errors import UndecodableError
from streams.kafka.inquiry import Inquiry
from streams.kafka.record import Record, of_aiokafka
from streams.kafka.salvage import salvage

log = logging.getLogger(__name__)

RETRY_S = 0.5

Mended = Callable[[TP, int, list[Record], int], None]
"""Told of a partition, where its batch began, the batch's records, and where it ends."""


class Mending:
    """Made, asked and stopped in the worker's loop. `give_up` is told of a batch whose end nobody knows."""

    def __init__(
        self, inquiry: Inquiry, mended: Mended, give_up: Callable[[UndecodableError], Awaitable[None]]
    ) -> None:
        self._inquiry, self._mended, self._give_up = inquiry, mended, give_up
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, partition: TP, position: int) -> None:
        """Take the batch at `position` apart."""
        log.warning("%s-%d: decoding record by record from offset %d", *partition, position)
        task = asyncio.create_task(self._take_apart(partition, position))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def stop(self) -> None:
        """Partitions have moved: whoever has them now meets the same batches."""
        for task in self._tasks:
            task.cancel()

    async def _take_apart(self, partition: TP, position: int) -> None:
        while True:
            try:
                raw, limit = await self._inquiry.batch(partition, position)
                records, end = salvage(raw, *partition, position, limit)
            except (KafkaError, OSError, TimeoutError) as error:
                log.warning("%s-%d: can't fetch the batch, trying again later: %r", *partition, error)
                await asyncio.sleep(RETRY_S)
            except UndecodableError as error:
                await self._give_up(error)
                return
            else:
                found = [of_aiokafka(partition, each) for each in records]
                self._mended(partition, position, found, end)
                return
