"""Batches of one shard each, where the store has several (streams/stores/redis/keys.py).

A batch is one transaction, and a transaction has one slot of a Redis Cluster. The shards divide the
partitions, so the messages of one partition are of one shard, if their producer chose the partition by the
key as Kafka's own clients do. Another producer's message would have to be written elsewhere than its
progress: it becomes a dead letter.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from model.errors import EventError
from streams.events.schema import AnyEvent, Item
from streams.kafka.message import Message
from streams.state.event_meaning import shown_to, user_of
from streams.stores.redis.keys import shard_of

WRONG_PARTITION = "wrong_partition"


class RecordPlace(Protocol):
    """A record, as far as this module needs it."""

    @property
    def partition(self) -> int: ...


R = TypeVar("R", bound=RecordPlace)


def by_shard(records: Sequence[R], shards: int) -> list[list[R]]:
    """The records in parts of one shard, each in the order in which they came."""
    if shards == 1:
        return [list(records)] if records else []
    parts: dict[int, list[R]] = {}
    for record in records:
        parts.setdefault(record.partition % shards, []).append(record)
    return list(parts.values())


def check_shard(message: Message, event: AnyEvent, shards: int) -> None:
    """Raises `EventError` where what the event changes is of another shard than its partition."""
    if shards == 1:
        return
    name = event.item_id if isinstance(event, Item) else user_of(event) or shown_to(event)
    if name is not None and shard_of(name, shards) != message.partition % shards:
        raise EventError(
            WRONG_PARTITION,
            f"{name!r} is in partition {message.partition}, where its key does not lead; have the producer"
            " choose the partition by the murmur2 hash of the key, or replay this letter",
        )
