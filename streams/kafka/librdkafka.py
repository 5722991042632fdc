"""How librdkafka's client is set up, and what its statistics say.

Fetching: the broker answers as soon as it has one event, and after `fetch_max_wait_ms` where it has none. So
an event waits for nothing. The client is written in C: an event costs it less than aiokafka even so.

Partitions: each worker gets a range, equal numbers of all topics. Workers with aiokafka deal them out by the
same rule under the same name, so both may be in one group.

Statistics: the client does not say when the group's coordinator has answered. They say how long ago anything
came from the coordinator, and whether the client counts itself in.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import msgspec

from streams.kafka.topics import client_id
from streams.settings.connections import KafkaSettings

log = logging.getLogger(__name__)

QUEUED_EVENTS = 500
"""A partition of which the client has so many in store is not fetched on."""

PARTITION_BYTES = 262_144
"""A fetch brings so much of a partition at most, or one batch. Where a partition is held back, the client
throws what it has in store of it away, and fetches it again."""

FULL_PAUSE_MS = 5
"""After so long the client looks again whether there is room for more."""

REBALANCE_MS = 10_000
"""The others wait so long for a worker that does not answer a rebalance."""


def consumer_config(
    kafka: KafkaSettings,
    group: str,
    told: Callable[[Any], None],
    stats: Callable[[str], None],
    committed: Callable[[Any, list[Any]], None],
) -> dict[str, Any]:
    """The client's configuration. `told`: of errors of the whole client; `stats`: of statistics, as JSON;
    `committed`: of the outcome of a commit.
    """
    wait_ms = kafka.fetch_max_wait_ms or 100
    return {
        "bootstrap.servers": kafka.bootstrap,
        "client.id": client_id(kafka, "worker"),
        "group.id": group,
        "partition.assignment.strategy": "range",
        "session.timeout.ms": kafka.session_timeout_ms,
        "heartbeat.interval.ms": kafka.heartbeat_ms,
        # Whatever the worker waits for, another thread polls; so this bounds a rebalance alone.
        "max.poll.interval.ms": max(REBALANCE_MS, kafka.session_timeout_ms),
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        # The client would go on elsewhere without a word.
        "auto.offset.reset": "error",
        "enable.partition.eof": True,
        "isolation.level": "read_committed",
        "check.crcs": True,
        "fetch.min.bytes": kafka.fetch_min_bytes or 1,
        "fetch.wait.max.ms": wait_ms,
        "fetch.queue.backoff.ms": FULL_PAUSE_MS,
        "max.partition.fetch.bytes": PARTITION_BYTES,
        "queued.min.messages": QUEUED_EVENTS,
        "socket.timeout.ms": max(kafka.request_timeout_ms, wait_ms + 1_000),
        "socket.nagle.disable": True,
        "reconnect.backoff.max.ms": 1_000,
        # A topic that was made anew is found so soon.
        "topic.metadata.refresh.interval.ms": 5_000,
        "statistics.interval.ms": min(1_000, kafka.heartbeat_ms),
        "logger": logging.getLogger("librdkafka"),
        "error_cb": told,
        "stats_cb": stats,
        "on_commit": committed,
    }


class _Group(msgspec.Struct):
    state: str
    join_state: str


class _Broker(msgspec.Struct):
    state: str
    rxidle: int


class _Place(msgspec.Struct):
    partition: int
    hi_offset: int
    ls_offset: int


class _Topic(msgspec.Struct):
    partitions: dict[str, _Place]


class _Statistics(msgspec.Struct):
    brokers: dict[str, _Broker]
    topics: dict[str, _Topic]
    cgrp: _Group | None = None


class Ends(NamedTuple):
    """Where a partition ended with the last answer to a fetch: for a reader of committed events, and for
    all.
    """

    topic: str
    partition: int
    readable: int
    end: int


class Statistics:
    """What the client's statistics say, of the names that a worker reads
    (https://github.com/confluentinc/librdkafka/blob/master/STATISTICS.md).
    """

    _decode = msgspec.json.Decoder(_Statistics).decode

    def __init__(self, raw: str) -> None:
        self._read = self._decode(raw)

    @property
    def answered_s(self) -> float | None:
        """How long ago the group's coordinator answered; None where this client is no settled member."""
        group, coordinator = self._read.cgrp, self._read.brokers.get("GroupCoordinator")
        if group is None or (group.state, group.join_state) != ("up", "steady"):
            return None
        if coordinator is None or coordinator.state != "UP" or coordinator.rxidle < 0:
            return None
        return coordinator.rxidle / 1e6

    def ends(self) -> Iterator[Ends]:
        """Of every partition of which a fetch was answered."""
        for topic, each in self._read.topics.items():
            for place in each.partitions.values():
                if place.partition >= 0 and place.hi_offset >= 0:
                    readable = place.ls_offset if place.ls_offset >= 0 else place.hi_offset
                    yield Ends(topic, place.partition, min(readable, place.hi_offset), place.hi_offset)
