"""The console's memory of workers: rates, silence, an end in order, a store that is away."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client import CollectorRegistry

from model.errors import StoreUnavailableError
from streams.clock import ManualClock
from streams.gateway.console import looking
from streams.gateway.console import watch as watching
from streams.gateway.console.moments import Figures
from streams.gateway.console.watch import POINTS, Watch
from streams.gateway.metrics import GatewayMetrics
from streams.settings.tree import Settings
from streams.stores.base import StoredReport
from streams.stores.condition import Condition
from streams.stores.memory import MemoryStore
from streams.worker_reports.report import KEPT_MS, VERSION, Report, encode
from tests.streams.gateway.conftest import RecordingSink
from tests.streams.gateway.console.reports import grown, report


class Away(MemoryStore):
    """It does not answer while it is `away`."""

    away = False

    async def reports(self) -> list[StoredReport]:
        if self.away:
            raise StoreUnavailableError("redis did not answer")
        return await super().reports()

    async def condition(self) -> Condition:
        if self.away:
            raise StoreUnavailableError("redis did not answer")
        return await super().condition()


class Scene:
    """A watch over a store, both on a clock that the test moves."""

    def __init__(self) -> None:
        self.clock = ManualClock(1_000_000)
        self.store, self.sink = Away(clock=self.clock), RecordingSink()
        self.metrics = GatewayMetrics(CollectorRegistry())
        self.watch = Watch(Settings(), self.store, self.sink, self.clock, self.metrics)

    async def second(self, *reports: Report) -> Figures:
        for each in reports:
            await self.store.put_report(each.worker, encode(each), KEPT_MS)
        await self.watch.turn()
        self.clock.advance(1_000)
        figures = self.watch.figures
        assert figures is not None
        return figures

    def kinds(self) -> list[str]:
        assert self.watch.figures is not None
        return [alarm.kind for alarm in self.watch.figures.alarms]


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def test_rates_of_all_workers_add_up(scene: Scene) -> None:
    one, two = report("a:1", lag={"clicks": 3}), report("b:1", lag={"clicks": 4}, queued=5)
    first = await scene.second(one, two)
    assert (first.point.applied, first.point.workers) == (0, 2)
    one, two = grown(one, 30), grown(two, 10, took_ms=200)
    figures = await scene.second(one, two)
    point = figures.point
    assert (point.applied, point.slates, point.lag, point.queued) == (40, 40, 7, 5)
    assert point.rungs == {"full": 1.0}
    assert point.p50["whole"] is not None
    assert 5 < point.p50["whole"] <= 8
    assert point.p99["whole"] is not None
    assert 150 < point.p99["whole"] <= 250
    assert point.p50["rank"] is None
    assert [(each.name, each.applied, each.state) for each in figures.workers] == [
        ("a:1", 30, "ready"),
        ("b:1", 10, "ready"),
    ]
    assert figures.exposed["sources"] == {"nearest": 1.0}


async def test_a_worker_that_falls_silent_is_told_of_until_it_is_forgotten(scene: Scene) -> None:
    await scene.second(report())
    for _ in range(4):
        await scene.second()
    assert scene.kinds() == []
    await scene.second()
    assert scene.kinds() == ["silent"]
    assert scene.watch.figures is not None
    assert scene.watch.figures.alarms[0].values == {"worker": "host:1", "seconds": 5}
    assert scene.watch.figures.point.workers == 0
    for _ in range(70):
        await scene.second()
    assert scene.kinds() == ["silent"], "the store has forgotten it, the console has not"
    for _ in range(600):
        await scene.second()
    assert scene.kinds() == ["no_worker"]
    assert len(scene.watch.points) == POINTS


async def test_slates_of_lower_rungs_are_told_of(scene: Scene) -> None:
    first = report(rungs={"full": 3})
    await scene.second(first)
    late = grown(first, 30, rungs={"full": 30, "counters": 3})
    figures = await scene.second(late)
    assert (figures.point.rungs, scene.kinds()) == ({"counters": 0.1, "full": 0.9}, ["lowered"])
    assert figures.alarms[0].values == {"percent": 10}


async def test_a_worker_that_ends_in_order_is_no_alarm(scene: Scene) -> None:
    await scene.second(report("a:1"), report("b:1"))
    await scene.store.put_report("a:1", b"", 0)
    figures = await scene.second(report("b:1", 2_000))
    assert [each.name for each in figures.workers] == ["b:1"]
    assert scene.kinds() == []


async def test_a_report_that_is_seen_twice_keeps_its_rate(scene: Scene) -> None:
    first = report()
    await scene.second(first)
    await scene.second(grown(first, 30))
    figures = await scene.second()
    assert (figures.point.applied, figures.workers[0].applied) == (30, 30)
    assert figures.exposed["sources"] == {"nearest": 1.0}
    for _ in range(4):
        figures = await scene.second()
    assert figures.point.applied == 0, "of one that is silent nothing is known"


async def test_a_worker_that_begins_again_has_no_rate_at_first(scene: Scene) -> None:
    first = grown(report(), 1_000_000)
    await scene.second(first)
    figures = await scene.second(report(at_ms=first.at_ms + 1_000, began_ms=first.at_ms))
    assert figures.point.applied == 0


async def test_a_store_that_is_away_is_told_and_comes_back(scene: Scene) -> None:
    before = await scene.second(report())
    scene.store.away = True
    for _ in range(8):
        figures = await scene.second()
    assert scene.kinds() == ["store_away"]
    assert figures.point.store_ms is None
    assert [each.name for each in figures.workers] == [each.name for each in before.workers]
    scene.store.away = False
    await scene.second(report(at_ms=9_000))
    assert scene.kinds() == []


async def test_a_broker_that_is_away_is_told(scene: Scene) -> None:
    scene.sink.confirms = 0
    await scene.second(report())
    assert scene.kinds() == ["broker_away"]


async def test_reports_that_can_not_be_read_are_left_out(scene: Scene) -> None:
    await scene.store.put_report("damaged:1", b"\xc1", KEPT_MS)
    newer = bytearray(encode(report("newer:1")))
    newer[newer.index(VERSION)] = VERSION + 1
    await scene.store.put_report("newer:1", bytes(newer), KEPT_MS)
    figures = await scene.second(report())
    assert [each.name for each in figures.workers] == ["host:1"]
    assert scene.kinds() == ["unreadable"]


async def test_the_gateways_own_counts_become_rates(scene: Scene) -> None:
    await scene.second(report())
    for _ in range(3):
        scene.metrics.count_event("click", "accepted", "")
    scene.metrics.count_event("click", "rejected", "invalid")
    scene.metrics.feeds.labels("full").inc(7)
    figures = await scene.second()
    assert (figures.point.accepted, figures.point.served) == (3, 7)


async def test_who_waits_is_woken_by_a_turn_and_by_the_end(scene: Scene) -> None:
    waiting = asyncio.create_task(scene.watch.changed())
    await asyncio.sleep(0)
    await scene.second(report())
    assert await waiting
    waiting = asyncio.create_task(scene.watch.changed())
    await asyncio.sleep(0)
    await scene.watch.stop()
    assert not await waiting
    assert not await scene.watch.changed()


async def test_an_error_of_a_turn_does_not_end_it(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    turns = 0

    async def breaks() -> None:
        nonlocal turns
        turns += 1
        raise RuntimeError("a defect")

    monkeypatch.setattr(scene.watch, "turn", breaks)
    monkeypatch.setattr("streams.gateway.console.watch.EVERY_S", 0.0)
    scene.watch.start()
    async with asyncio.timeout(60):
        while turns < 2:  # noqa: ASYNC110  # nothing tells of it
            await asyncio.sleep(0.01)
    await scene.watch.stop()


async def until_rests(scene: Scene) -> int:
    """How often the store was asked before nobody looked any more."""
    async with asyncio.timeout(30):
        while scene.watch.figures is not None or not scene.watch.points:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    return len(scene.watch.points)


async def test_nothing_is_asked_while_nobody_looks(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "EVERY_S", 0.05)
    monkeypatch.setattr(looking, "RESTS_AFTER_S", 0.2)
    await scene.store.put_report("a:1", encode(report("a:1", events={"clicks": (1, 0, 0)})), KEPT_MS)
    scene.watch.start()
    try:
        with scene.watch.looking.lasting():
            await asyncio.sleep(0.5)
            assert scene.watch.figures is not None, "somebody looks all the time"
        asked = await until_rests(scene)
        await asyncio.sleep(0.3)
        assert len(scene.watch.points) == asked
        # Meanwhile events became dead letters, and another worker has come and gone.
        await scene.store.put_report(
            "a:1", encode(report("a:1", 9_000, events={"clicks": (1, 0, 3)})), KEPT_MS
        )
        await scene.watch.look()
        assert scene.watch.figures is not None, "who looks waits for the first figures"
        assert scene.watch.figures.point.applied == 0, "of the time between nothing is known"
        (alarm,) = [each for each in scene.watch.figures.alarms if each.kind == "letters"]
        assert alarm.values == {"count": 3, "minutes": 5}
        await until_rests(scene)
        await scene.store.put_report("a:1", b"", 0)
        await scene.watch.look()
        assert scene.kinds() == ["no_worker", "letters"], "whether it ended in order is not known"
    finally:
        await scene.watch.stop()


async def test_a_page_does_not_wait_for_a_store_that_is_slow(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never() -> list[StoredReport]:
        await asyncio.Event().wait()
        return []

    monkeypatch.setattr(scene.store, "reports", never)
    monkeypatch.setattr(watching, "AWAITED_S", 0.05)
    scene.watch.start()
    try:
        async with asyncio.timeout(60):
            await scene.watch.look()
        assert scene.watch.figures is None
    finally:
        await scene.watch.stop()
