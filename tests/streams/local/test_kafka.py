"""A real Kafka: starts, finds its data again, leaves nothing."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from model.errors import LocalStackError
from streams.kafka.topics import ensure_topics
from streams.local.kafka import KafkaServer
from streams.local.ports import LOOPBACK, free_ports
from streams.settings.connections import KafkaSettings
from tests.streams.local.running import listens, runs

pytestmark = pytest.mark.connected


async def test_a_restart_on_the_same_folder_finds_the_data(tmp_path: Path) -> None:
    server = KafkaServer.start(tmp_path)
    try:
        await ensure_topics(KafkaSettings(bootstrap=server.bootstrap))
        async with AIOKafkaProducer(bootstrap_servers=server.bootstrap, acks="all") as producer:
            await producer.send_and_wait("headrace.clicks", b"value", key=b"key")
    finally:
        server.stop()
    assert server.process.returncode == 143, "ended by SIGTERM, as Java says it"
    assert not runs(server.process.pid)
    assert not listens(server.bootstrap)

    server = KafkaServer.start(tmp_path)
    try:
        consumer = AIOKafkaConsumer(
            "headrace.clicks", bootstrap_servers=server.bootstrap, auto_offset_reset="earliest"
        )
        async with consumer:
            record = await consumer.getone()
        assert (record.key, record.value) == (b"key", b"value")
    finally:
        server.stop()


def test_a_port_that_was_taken_meanwhile_is_given_up_for_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        offers = iter([[taken.getsockname()[1], *free_ports(1)], free_ports(2)])
        monkeypatch.setattr("streams.local.kafka.free_ports", lambda count: next(offers))
        server = KafkaServer.start(tmp_path)
        server.stop()
    assert next(offers, None) is None


def test_a_broken_data_folder_is_said_with_kafkas_own_words(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "meta.properties").write_text("version=1\nnode.id=7\ncluster.id=another\n")
    with pytest.raises(LocalStackError, match=r"(?s)Apache Kafka .* ended with exit code 1.*node ?id"):
        KafkaServer.start(tmp_path)
