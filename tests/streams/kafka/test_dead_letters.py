"""Letters of any size are kept: as they came, or as much of them as the topic takes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaTimeoutError

from model.errors import BrokerUnavailableError
from streams.events.schema import DEAD_LETTERS
from streams.kafka.dead_letter_box import read_letters, replay_letters
from streams.kafka.dead_letters import CUT_BYTES, GROUP_BYTES, DeadLetter, KafkaDeadLetters
from streams.kafka.message import Message
from streams.kafka.topics import ensure_topics, topic_name
from streams.settings.connections import KafkaSettings


def letter(offset: int, value: bytes | None, key: bytes | None = b"ann") -> DeadLetter:
    return DeadLetter(Message("clicks", 0, offset, -1.0, key, value), "invalid", "why", 5)


async def test_a_letter_that_is_too_large_is_cut_and_the_others_are_whole(
    kafka_settings: KafkaSettings,
) -> None:
    topic = topic_name(kafka_settings, DEAD_LETTERS)
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_settings.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 1, 1, topic_configs={"max.message.bytes": "500000"})])
    await admin.close()
    await ensure_topics(kafka_settings)
    values = [b"first", b"x" * 600_000, None, b"y" * (2 * GROUP_BYTES), b"last"]
    box = KafkaDeadLetters(kafka_settings)
    try:
        await box.send([letter(n, value) for n, value in enumerate(values)] + [letter(9, None, None)])
    finally:
        await box.stop()
    letters = {each.offset: each for each in await read_letters(kafka_settings)}
    assert sorted(letters) == [0, 1, 2, 3, 4, 9]
    for n, value in enumerate(values):
        whole = value is None or len(value) < 500_000
        assert letters[n].whole == whole
        assert letters[n].value == (value if whole else (value or b"")[:CUT_BYTES])
    assert (letters[9].key, letters[9].value) == (None, None)
    done = await replay_letters(kafka_settings)
    assert (done.sent.total(), done.parts) == (4, 2)


class Producer:
    """Refuses the second record that it is given."""

    def __init__(self) -> None:
        self.given: list[bytes | None] = []

    async def send_and_wait(self, topic: str, value: bytes, key: bytes | None, headers: Any) -> None:
        self.given.append(value)
        if len(self.given) == 2:
            raise KafkaTimeoutError("away")

    async def stop(self) -> None:
        await asyncio.sleep(0)


async def test_a_letter_is_not_sent_again_because_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    producer, box = Producer(), KafkaDeadLetters(KafkaSettings())

    async def connected() -> Producer:
        return producer

    monkeypatch.setattr(box, "_connected", connected)
    letters = [letter(n, b"%d" % n) for n in range(3)]
    with pytest.raises(BrokerUnavailableError, match="away"):
        await box.send(letters)
    await box.send(letters)
    assert producer.given == [b"0", b"1", b"2", b"1"]
    await box.send(letters)
    assert len(producer.given) == 7, "a later batch is one of its own"
