"""The thread that polls, over a real client whose broker is away."""

from __future__ import annotations

import queue
import threading
from functools import partial
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition
from faust.types import TP

from model.errors import SettingsError
from streams.kafka.librdkafka import Statistics, consumer_config
from streams.kafka.record import Chunk
from streams.kafka.starts import Starts
from streams.local.ports import free_ports
from streams.settings.connections import KafkaSettings
from streams.worker.pauses import Pauses
from streams.worker.poller import Poller


class Told:
    """Keeps what it is told; `fails`: on the next report."""

    def __init__(self) -> None:
        self.said: queue.Queue[Any] = queue.Queue()
        self.fails = False

    def brought(self, chunks: dict[TP, Chunk]) -> None:
        self.said.put(chunks)

    def broken(self, partition: TP, position: int) -> None:
        self.said.put((partition, position))

    def committed(self, good: bool) -> None:
        self.said.put(good)

    def failed(self, error: KafkaError) -> None:
        self.said.put(error.code())

    def reported(self, statistics: Statistics) -> None:
        if self.fails:
            raise ValueError("broken on purpose")
        assert statistics.answered_s is None

    def assigned(self, starts: Starts) -> None:
        self.said.put(starts)

    def revoked(self) -> None:
        self.said.put("revoked")

    def until(self, expected: object) -> None:
        while self.said.get(timeout=60) != expected:
            pass


def poller(told: Told, session_timeout_ms: int = 6_000) -> Poller:
    kafka = KafkaSettings(
        bootstrap=f"127.0.0.1:{free_ports(1)[0]}", heartbeat_ms=100, session_timeout_ms=session_timeout_ms
    )
    return Poller(partial(consumer_config, kafka, "group"), told, Pauses(set(), lambda: 0), 0.1)


def test_settings_that_the_client_refuses() -> None:
    with pytest.raises(SettingsError, match=r"session\.timeout\.ms"):
        poller(Told(), session_timeout_ms=10_000_000)


def test_a_broker_that_is_away_is_told_and_the_thread_goes_on() -> None:
    told = Told()
    polling = poller(told)
    polling.thread.start()
    polling.orders.append(partial(polling.subscribe, ["headrace.clicks"]))
    told.until(KafkaError._ALL_BROKERS_DOWN)
    polling.commits.append([TopicPartition("headrace.clicks", 0, 7)])
    told.until(False)
    assert polling.thread.is_alive()
    polling.stopping.set()
    polling.thread.join(60)
    assert not polling.thread.is_alive()
    assert polling.failure is None


def test_an_error_in_what_the_client_calls_ends_the_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    died: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", died.append)
    told = Told()
    told.fails = True
    polling = poller(told)
    polling.thread.start()
    polling.thread.join(60)
    assert "broken on purpose" in str(polling.failure)
    assert [args.thread for args in died] == [polling.thread]


@pytest.mark.parametrize("code", [KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError._TRANSPORT])
def test_only_what_it_may_not_read_is_the_end(code: int) -> None:
    told = Told()
    polling = poller(told)
    if code == KafkaError._TRANSPORT:
        polling._failed(KafkaError(code))
        assert told.said.get_nowait() == code
    else:
        with pytest.raises(KafkaException):
            polling._failed(KafkaError(code))
