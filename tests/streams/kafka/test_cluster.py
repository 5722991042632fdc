"""Topics that have gone are found, and asked for again; so is Kafka where something is in doubt."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from streams.events.schema import EVENT_TOPICS
from streams.kafka.cluster import Cluster
from streams.settings.connections import KafkaSettings


class Client:
    """Kafka's client, which knows some topics, and counts how often it is told to ask."""

    def __init__(self) -> None:
        self.topics = {f"headrace.{name}" for name in EVENT_TOPICS}
        self.asked = self._last_successful_refresh_ms = 0
        self.cluster = self

    def partitions_for_topic(self, topic: str) -> set[int] | None:
        return {0} if topic in self.topics else None

    def force_metadata_update(self) -> None:
        self.asked += 1

    def call_soon_threadsafe(self, call: Callable[[], None]) -> None:
        call()

    def consumer(self) -> Any:
        return SimpleNamespace(_thread=SimpleNamespace(network=lambda: (self, self)))


def test_a_topic_that_has_gone_is_asked_for_until_it_is_back() -> None:
    client, cluster = Client(), Cluster(KafkaSettings())
    cluster.look(None, doubted=True, now_s=0)
    cluster.look(client.consumer(), doubted=False, now_s=0)
    assert (list(cluster.missing), client.asked) == ([], 0)
    client.topics.remove("headrace.clicks")
    cluster.look(client.consumer(), doubted=False, now_s=1)
    assert (cluster.missing, client.asked) == (["headrace.clicks"], 1)
    client.topics.add("headrace.clicks")
    cluster.look(client.consumer(), doubted=False, now_s=2)
    assert (list(cluster.missing), client.asked) == ([], 1)


def test_kafka_answers_while_what_is_known_is_refreshed() -> None:
    client, cluster = Client(), Cluster(KafkaSettings())
    assert not cluster.answers(0)
    for now_s in range(10):
        client._last_successful_refresh_ms += 1
        cluster.look(client.consumer(), doubted=True, now_s=now_s)
        assert cluster.answers(now_s)
    assert client.asked == 10
    for now_s in range(10, 20):
        cluster.look(client.consumer(), doubted=True, now_s=now_s)
    assert not cluster.answers(19)
