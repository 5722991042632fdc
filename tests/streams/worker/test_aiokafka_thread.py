"""The client's thread: partitions of other workers, commits that fail, the time that a join may take."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiokafka.errors import IllegalStateError, KafkaConnectionError
from faust.types import TP

from streams.kafka.fetched import Fetched
from streams.settings.connections import KafkaSettings
from streams.worker.aiokafka_thread import AiokafkaThread, request_timeout_ms

PLACE = TP("headrace.clicks", 1)


class Client:
    """Has no partition; a commit fails with `error`, or never returns."""

    _request_timeout_ms = 50

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    def seek(self, partition: TP, offset: int) -> None:
        raise IllegalStateError(f"No current assignment for partition {partition}")

    async def commit(self, _: Any) -> None:
        if self.error is not None:
            raise self.error
        await asyncio.sleep(60)


def thread_over(client: Client, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(AiokafkaThread, "_ensure_consumer", lambda _: client)
    monkeypatch.setattr(AiokafkaThread, "assignment", lambda _: {PLACE})
    thread: Any = AiokafkaThread.__new__(AiokafkaThread)
    thread.fetched = Fetched()
    return thread


async def test_a_seek_in_a_partition_of_another_worker_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    thread = thread_over(Client(), monkeypatch)
    first = await thread._reread(PLACE, 7)
    assert await thread._reread(PLACE, 7) > first


@pytest.mark.parametrize("error", [KafkaConnectionError("reset"), OSError("away"), None])
async def test_a_commit_that_fails_is_logged_and_does_not_raise(
    error: Exception | None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    thread = thread_over(Client(error), monkeypatch)
    assert await thread._commit({PLACE: 7}) is False
    assert "offsets" in caplog.text


async def test_offsets_of_partitions_of_other_workers_are_not_committed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    thread = thread_over(Client(AssertionError("must not commit")), monkeypatch)
    assert await thread._commit({TP("headrace.clicks", 2): 7}) is False


def test_a_join_of_the_group_may_take_as_long_as_a_session() -> None:
    kafka = KafkaSettings(request_timeout_ms=1_000, session_timeout_ms=6_000)
    assert request_timeout_ms(kafka) > kafka.session_timeout_ms
    assert request_timeout_ms(KafkaSettings(request_timeout_ms=60_000)) == 60_000
