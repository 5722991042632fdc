"""The client's settings, and what its statistics say of the group and of partitions."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from confluent_kafka import Consumer

from streams.kafka.librdkafka import Statistics, consumer_config
from streams.settings.connections import KafkaSettings


def config(kafka: KafkaSettings) -> dict[str, Any]:
    return consumer_config(kafka, "group", print, print, print)


@pytest.mark.parametrize(
    "kafka",
    [
        KafkaSettings(),
        KafkaSettings(bootstrap="a:9092, b:9092", prefix="shop.", session_timeout_ms=60_000),
        KafkaSettings(fetch_min_bytes=65_536, fetch_max_wait_ms=4_000, request_timeout_ms=10),
        KafkaSettings(session_timeout_ms=2_000, heartbeat_ms=300),
    ],
)
def test_the_client_takes_it(kafka: KafkaSettings) -> None:
    """It refuses settings that do not fit one another."""
    Consumer(config(kafka)).close()


def test_events_do_not_wait_at_the_broker_unless_they_are_to() -> None:
    found = config(KafkaSettings())
    assert (found["fetch.min.bytes"], found["fetch.wait.max.ms"]) == (1, 100)
    found = config(KafkaSettings(fetch_min_bytes=9, fetch_max_wait_ms=7))
    assert (found["fetch.min.bytes"], found["fetch.wait.max.ms"]) == (9, 7)


def statistics(rxidle: int = 200_000, broker: str = "UP", **group: str) -> Statistics:
    place = {"partition": 0, "hi_offset": 9, "ls_offset": 7, "more": 1}
    unasked = {"partition": 1, "hi_offset": -1001, "ls_offset": -1001}
    return Statistics(
        json.dumps(
            {
                "brokers": {"GroupCoordinator": {"state": broker, "rxidle": rxidle}},
                "topics": {"shop.clicks": {"partitions": {"0": place, "1": unasked, "-1": unasked}}},
                "cgrp": {"state": "up", "join_state": "steady"} | group,
            }
        )
    )


def test_a_member_is_confirmed_by_each_answer_of_its_coordinator() -> None:
    assert statistics().answered_s == 0.2
    for doubted in (
        statistics(join_state="wait-join"),
        statistics(state="wait-coord"),
        statistics(broker="TRY_CONNECT"),
        statistics(rxidle=-1),
        Statistics(json.dumps({"brokers": {}, "topics": {}})),
    ):
        assert doubted.answered_s is None


def test_ends_are_those_of_partitions_that_were_asked() -> None:
    assert list(statistics().ends()) == [("shop.clicks", 0, 7, 9)]


def test_other_words_are_an_error() -> None:
    """Another version of the client: the worker would never be ready."""
    with pytest.raises(msgspec.ValidationError):
        Statistics("{}")
