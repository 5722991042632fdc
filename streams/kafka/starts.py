"""Where a librdkafka client begins to read the partitions that it gets; asked in the thread that polls it."""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Any

from confluent_kafka import KafkaException, TopicPartition
from faust.types import TP

log = logging.getLogger(__name__)

EARLIEST = -2
"""The timestamp for which Kafka names a partition's first offset."""

Starts = dict[TP, int | None]
"""Where each partition is begun; None where that is not known."""


def starts_of(client: Any, places: list[TopicPartition], timeout_s: float) -> Starts:
    """Where the group is in each partition; where it has not been, the partition's first offset."""
    starts: Starts = {TP(each.topic, each.partition): None for each in places}
    try:
        found = client.committed(places, timeout=timeout_s) if places else []
    except KafkaException as error:
        log.warning("can't ask what the group has committed: %s", error)
        return starts
    answered = {TP(each.topic, each.partition): each.offset for each in found if not each.error}
    starts |= {tp: offset for tp, offset in answered.items() if offset >= 0}
    new = [tp for tp, offset in answered.items() if offset < 0]
    return starts | first_offsets(client, new, timeout_s)


def first_offsets(client: Any, partitions: Collection[TP], timeout_s: float) -> dict[TP, int]:
    """Where each begins, of those of which a broker says so."""
    asked = [TopicPartition(*tp, EARLIEST) for tp in partitions]
    try:
        found = client.offsets_for_times(asked, timeout=timeout_s) if asked else []
    except KafkaException as error:
        log.warning("can't ask where partitions begin: %s", error)
        return {}
    return {TP(each.topic, each.partition): each.offset for each in found if each.offset >= 0}
