"""A record of Kafka on its way to the worker's intake, whichever client has read it."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

from faust.types import TP

from streams.kafka.message import Headers, Message


class Record:
    """Faust's message and Faust's event in one: the agent's queue holds it, and `ack` tells the consumer that
    the worker has handled it. Faust makes two objects of a record, and five coroutines, which cost ten times
    as much.

    `timestamp`: Kafka's, in seconds; below 0 for none. No event lies between `since` and the record, which
    the client read after seek `seek`, in the assignment `generation_id`. `undecodable`: why `value` is not a
    record's value. `fetched_ms`: when the client gave it to us, ms since the epoch; `handed_ms`: when the
    intake had it; `message`: what it made of it.
    """

    __slots__ = (
        "acked", "consumer", "fetched_ms", "generation_id", "handed_ms", "headers", "key", "message",
        "offset", "partition", "seek", "since", "timestamp", "topic", "tp", "undecodable", "value",
    )  # fmt: skip

    def __init__(
        self,
        tp: TP,
        offset: int,
        timestamp: float,
        key: bytes | None,
        value: bytes | None,
        headers: Headers,
        undecodable: str = "",
    ) -> None:
        self.topic, self.partition = self.tp = tp
        self.offset, self.timestamp, self.undecodable = offset, timestamp, undecodable
        self.key, self.value, self.headers = key, value, headers
        self.fetched_ms, self.handed_ms = time.time_ns() / 1e6, 0.0
        self.message: Message | None = None
        self.acked = False
        self.generation_id = self.since = self.seek = 0
        self.consumer: Any = None

    def ack(self) -> bool:
        """The worker has handled everything in the partition up to this record. False where it knew."""
        return bool(self.consumer.ack(self))


class Chunk(NamedTuple):
    """Records of one partition in order. The offsets from `since` up to the first record hold no event, nor
    do those between two records. `seek`: the number of the last seek before the client read the chunk.
    """

    records: list[Any]
    since: int
    seek: int


def of_aiokafka(tp: TP, record: Any) -> Record:
    """One of aiokafka's records, or of `salvage.py`."""
    return Record(
        tp,
        record.offset,
        -1.0 if record.timestamp is None else record.timestamp / 1_000,
        record.key,
        record.value,
        record.headers or (),
        getattr(record, "why", ""),
    )
