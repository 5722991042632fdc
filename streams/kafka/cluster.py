"""What Kafka's client knows of the cluster: which topics are missing, and whether the cluster answers.

The client leaves a missing topic out of the assignment, and looks again minutes later: a worker that reads
the other topics would call itself ready. `Cluster` reports the missing topic, and makes the client look at
once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from streams.events.schema import EVENT_TOPICS
from streams.kafka.topics import topic_name
from streams.settings.connections import KafkaSettings

ANSWERED_WITHIN_S = 5.0


class Cluster:
    """`missing`: the event topics that the cluster lacks, as far as the client knows."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._names = [topic_name(kafka, name) for name in EVENT_TOPICS]
        self.missing: Sequence[str] = ()
        self._refresh: object = None
        self._answered_s = float("-inf")

    def look(self, consumer: Any, doubted: bool, now_s: float) -> None:
        """Call this every moment. `doubted`: something seems wrong, so the client asks the cluster now."""
        thread = getattr(consumer, "_thread", None)
        if thread is None or (network := thread.network()) is None:
            return
        client, loop = network
        known = client.cluster
        self.missing = [name for name in self._names if not known.partitions_for_topic(name)]
        if known._last_successful_refresh_ms != self._refresh:
            self._refresh, self._answered_s = known._last_successful_refresh_ms, now_s
        if self.missing or doubted:
            loop.call_soon_threadsafe(client.force_metadata_update)

    def answers(self, now_s: float) -> bool:
        """Whether Kafka has answered lately. The client asks often only while `look` has a doubt."""
        return now_s - self._answered_s < ANSWERED_WITHIN_S
