"""The broker is asked, at its own pace; what stands still is said once, counted, and read again."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field

import pytest

from model.errors import BrokerUnavailableError
from streams.kafka.lag import Standing
from streams.worker import lag_watch
from streams.worker.lag_watch import LagWatch
from streams.worker.metrics import WorkerMetrics
from tests.streams.worker.conftest import until


@dataclass
class Kafka:
    """Two partitions; `away`: what asking for their ends comes to; `heard`: the end of clicks-0 as its reader
    heard it.
    """

    places: dict[str, int] = field(default_factory=lambda: {"clicks-0": 5, "users-0": 0})
    end: int = 5
    away: Exception | None = None
    silent: bool = False
    heard: int = 0
    asked: int = 0
    rereads: list[tuple[str, int]] = field(default_factory=list)

    def standings(self) -> dict[str, Standing]:
        heard = {"clicks-0": self.heard}
        return {place: Standing(offset, 2, heard.get(place, 0)) for place, offset in self.places.items()}

    async def ends(self, places: Collection[str]) -> dict[str, int]:
        self.asked += 1
        if self.silent:
            await asyncio.sleep(60)
        if self.away is not None:
            raise self.away
        return {place: self.end if place == "clicks-0" else 0 for place in places}

    async def reread(self, place: str, offset: int) -> int:
        self.rereads.append((place, offset))
        return len(self.rereads)


class Watched:
    def __init__(self) -> None:
        self.kafka, self.metrics, self.now_s, self.waits = Kafka(), WorkerMetrics(), 0.0, False
        self.watch = LagWatch(self.kafka, 10.0, self.metrics, lambda: self.waits, lambda: self.now_s)

    async def look(self, at_s: float) -> str:
        self.now_s = at_s
        await self.watch.look()
        return self.watch.trouble

    def metric(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"headrace_worker_{name}", labels)


async def test_a_stalled_partition_is_named_and_read_again_once(caplog: pytest.LogCaptureFixture) -> None:
    watched = Watched()
    watched.kafka.end = 8
    assert await watched.look(0) == ""
    assert watched.metric("lag_events", topic="clicks") == 3
    assert watched.metric("held_back_events", topic="clicks") == 2
    assert watched.metric("stalled_partitions") == 0
    trouble = await watched.look(12)
    assert trouble == "clicks-0 has stood at offset 5 for 12 s, though it ends at 8"
    assert watched.metric("stalled_partitions") == 1
    assert "14 s" in await watched.look(14)
    assert watched.kafka.rereads == [("clicks-0", 5)]
    assert caplog.text.count("has stood at offset 5") == 1
    watched.kafka.places["clicks-0"] = 8
    assert await watched.look(15) == ""
    assert (watched.metric("stalled_partitions"), watched.metric("lag_events", topic="clicks")) == (0, 0)


async def test_between_two_questions_it_goes_by_what_the_reader_has_heard() -> None:
    watched = Watched()
    for at_s, heard in enumerate((0, 5, 7, 9)):
        watched.kafka.heard = heard
        assert await watched.look(at_s) == ""
        assert watched.metric("lag_events", topic="clicks") == max(heard - 5, 0)
    assert watched.kafka.asked == 1
    watched.kafka.places["my-0"] = 0
    await watched.look(4)
    assert watched.kafka.asked == 2, "nobody knows where a new partition ends"
    assert "clicks-0 has stood at offset 5 for 12 s, though it ends at 9" in await watched.look(14)


async def test_a_reader_that_hears_nothing_is_found_by_what_the_brokers_say() -> None:
    watched = Watched()
    await watched.look(0)
    watched.kafka.end = 8
    for at_s in range(1, 15):
        assert await watched.look(at_s) == ""
    assert await watched.look(15) == "clicks-0 has stood at offset 5 for 10 s, though it ends at 8"
    assert watched.kafka.asked == 4


async def test_a_worker_that_waits_for_its_store_does_not_stall() -> None:
    watched = Watched()
    watched.kafka.end, watched.waits = 8, True
    for at_s in (0, 10, 20):
        assert await watched.look(at_s) == ""
    watched.waits = False
    assert await watched.look(25) == ""
    assert await watched.look(30) != ""


async def test_a_broker_that_is_away_is_no_trouble_at_first() -> None:
    watched = Watched()
    watched.kafka.end = 8
    await watched.look(0)
    watched.kafka.away = BrokerUnavailableError("no broker")
    watched.kafka.places["clicks-0"] = 6
    assert await watched.look(9) == ""
    assert watched.metric("lag_events", topic="clicks") == 2, "by what was heard last"
    assert await watched.look(11) == "not known for 11 s: no broker"
    watched.kafka.away = None
    assert await watched.look(12) == ""


async def test_a_broker_that_is_silent_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lag_watch, "ANSWER_AT_MOST_S", 0.01)
    watched = Watched()
    watched.kafka.silent = True
    assert await watched.look(3) == ""
    assert "did not answer within" in await watched.look(11)


async def test_it_goes_on_whatever_happens(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lag_watch, "EVERY_S", 0.001)
    watched = Watched()
    watched.kafka.away = RuntimeError("a defect")
    watched.watch.start()
    await until(lambda: watched.kafka.asked >= 2)
    watched.kafka.away, watched.kafka.end = None, 9
    await until(lambda: watched.metric("lag_events", topic="clicks") == 4)
    await watched.watch.stop()
    assert "a defect" in caplog.text


async def test_it_hears_what_waits_for_its_turn_and_tells_how_far_each_is() -> None:
    watched, told = Watched(), list[int]()
    watched.watch.in_turn = lambda: {"clicks-0": ["users-0"]}
    watched.watch.done = lambda standings: told.append(standings["users-0"].offset)
    watched.kafka.end = 8
    for at_s in (0, 10, 20):
        watched.kafka.places["users-0"] = at_s
        assert await watched.look(at_s) == ""
    assert "clicks-0 has stood" in await watched.look(31)
    assert told == [0, 10, 20, 20]
