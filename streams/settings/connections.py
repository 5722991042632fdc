"""The sections kafka and redis: how both are reached, and what goes before their names."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from streams.settings.bounds import Positive, PositiveFloat, Prefix

DEFAULT_NAMESPACE = "headrace"


class DerivedPrefix(str):
    """A prefix that nobody has set: it follows the namespace (`Settings.namespace`). One that was set is a
    plain string, and stays as it is.
    """

    __slots__ = ()


def kafka_prefix(namespace: str) -> DerivedPrefix:
    """What goes before every topic, group and client id of a namespace.

    >>> kafka_prefix("shop")
    'shop.'
    """
    return DerivedPrefix(f"{namespace}.")


def redis_prefix(namespace: str) -> DerivedPrefix:
    """What goes before every key and channel of a namespace.

    >>> redis_prefix("shop")
    'shop:'
    """
    return DerivedPrefix(f"{namespace}:")


class KafkaSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`prefix` goes before every topic, group and client id; where it is not set, it is the namespace and a
    point. One that is set wins over the namespace.

    `consumer`: the client with which workers read. `fetch_min_bytes`: for so many bytes the broker waits
    before it answers a fetch, `fetch_max_wait_ms` at most; 0 for what suits the client: 1 and 100 with
    librdkafka, 65,536 and 5 with aiokafka.
    """

    bootstrap: str = "127.0.0.1:9092"
    prefix: Prefix = kafka_prefix(DEFAULT_NAMESPACE)
    partitions: Positive = 4
    replication: Positive = 1
    consumer: Literal["librdkafka", "aiokafka"] = "librdkafka"
    fetch_min_bytes: Annotated[int, Meta(ge=0)] = 0
    fetch_max_wait_ms: Annotated[int, Meta(ge=0)] = 0
    session_timeout_ms: Positive = 6_000
    heartbeat_ms: Positive = 1_000
    request_timeout_ms: Positive = 3_000


class RedisSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`prefix` goes before every key and channel; where it is not set, it is the namespace and a colon. One
    that is set wins over the namespace. `timeout_ms` bounds each call, with the wait for a connection.

    `connections`: of a process to a server at most, besides one that all small calls share.
    `ledger_margin_ms`: how much of the ledger before a snapshot is kept for followers that lag. `strict`:
    refuse a server that evicts keys, instead of warning; its settings are looked at every `watch_every_s`.
    `cluster`: the URL names a node of a Redis Cluster. `shards`: into how many parts, of one slot each, users
    and items are divided; a divisor of `kafka.partitions`.
    """

    url: str = "redis://127.0.0.1:6379/0"
    prefix: str = redis_prefix(DEFAULT_NAMESPACE)
    cluster: bool = False
    shards: Annotated[int, Meta(gt=0, le=1_024)] = 1
    timeout_ms: Positive = 1_000
    connections: Positive = 16
    ledger_margin_ms: Annotated[int, Meta(ge=0)] = 60_000
    strict: bool = False
    watch_every_s: PositiveFloat = 60.0
