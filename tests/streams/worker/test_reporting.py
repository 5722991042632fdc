"""A worker's report of itself: what it counted is in it, and a store that is away does not matter."""

from __future__ import annotations

import asyncio

import pytest

from model.errors import StoreUnavailableError
from streams.kafka.lag import Lag, Standing
from streams.ranking.slate import Reason, Slate, SlateItem
from streams.state.catalog import Catalog
from streams.stores.memory import MemoryStore
from streams.worker import report_writer as module
from streams.worker.report_writer import ReportWriter
from streams.worker.reporting import SLATES_MOST, Reporting, WorkerStanding, lists_of, resident_bytes
from streams.worker_reports.report import PLACES_MOST, Report, decode
from tests.streams.worker.conftest import NOW_MS, Desk, click, until


def reporting(desk: Desk, trouble: str = "") -> Reporting:
    lag = Lag(30)
    lag.look({"clicks-0": Standing(7), "clicks-1": Standing(3)}, {"clicks-0": 10, "clicks-1": 3})
    return Reporting(
        desk.metrics,
        desk.batches.counting,
        lag,
        lambda: desk.replica.recommender.catalog,
        lambda: WorkerStanding(trouble, 5, "9-0", 2, {"m": "CPU"}),
        desk.clock,
    )


def slate(user: str, items: list[str], accepted_ms: float) -> Slate:
    places = [SlateItem(item, 1.0, "nearest", Reason("popular")) for item in items]
    times = {"accepted": accepted_ms, "fetched": accepted_ms + 2, "begun": accepted_ms + 3}
    return Slate(user, user, NOW_MS, places, "m", "full", times=times)


async def test_what_a_worker_did_is_in_its_report(desk: Desk) -> None:
    await desk.replica.rebuild()
    made = reporting(desk)
    before = made.report()
    assert (before.events, before.shown.slates) == ({}, 0)
    await desk.take(click(0), click(1, item="i2"), click(2, user="bob"))
    after = made.report()
    assert after.events["clicks"][0] == 3
    assert after.batch_events[1] == 3
    assert (after.rungs, after.shown.slates) == ({"full": 2}, 2), "without a model, and in time"
    assert desk.metrics.slates.counts() == {("full", "counters"): 2}
    assert sum(after.stages["whole"]) == 2
    assert after.partitions == {"clicks-0": (7, 10), "clicks-1": (3, 3)}
    assert (after.lag, after.queued, after.ledger, after.models) == ({"clicks": 3}, 5, "9-0", {"m": "CPU"})
    assert after.ready
    assert after.memory_bytes > 10_000_000
    assert made.report().stages == after.stages, "no slate counts twice"


async def test_of_many_slates_a_sample_is_looked_at(desk: Desk) -> None:
    made = reporting(desk, "the store does not answer")
    slates = [slate(f"u{n}", [f"i{k}" for k in range(20)], NOW_MS) for n in range(1_000)]
    desk.batches.counting.made_of_late.append((NOW_MS + 10.0, slates))
    told = made.report()
    assert (told.shown.slates, told.shown.places) == (1_000, 20_000)
    assert 0 < told.shown.looked <= SLATES_MOST
    assert told.shown.item_places == PLACES_MOST == sum(told.shown.items.values())
    assert told.shown.sources == {"nearest": 20 * told.shown.looked}
    assert sum(told.stages["whole"]) == told.shown.looked
    assert "fold" not in told.stages or sum(told.stages["fold"]) == 0, "these slates tell no such time"
    assert (told.ready, told.trouble) == (False, "the store does not answer")
    assert made.report().shown.items == {}, "items are those of one second"


def test_a_list_of_items_that_nobody_knows_has_no_diversity() -> None:
    catalog = Catalog(text_dim=4)
    catalog.extend(["a", "b", "c"])
    catalog.attributes[:3, 0] = [1, 1, 2]
    catalog.text[0] = [1, 0, 0, 0]
    catalog.text[1] = [0, 1, 0, 0]
    assert lists_of(slate("u", ["x", "y"], 0), catalog) == (None, None)
    entropy, distance = lists_of(slate("u", ["a", "b", "c", "x"], 0), catalog)
    assert entropy == pytest.approx(0.5794, abs=1e-3)
    assert distance == pytest.approx(1.0)


def test_memory_is_told() -> None:
    assert resident_bytes() > 0


class Away(MemoryStore):
    """`tried`: how often it was to be written to."""

    away, tried = True, 0

    async def put_report(self, worker: str, report: bytes, ttl_ms: int) -> None:
        self.tried += 1
        if self.away:
            raise StoreUnavailableError("no answer")
        await super().put_report(worker, report, ttl_ms)


async def until_reported(store: MemoryStore) -> Report:
    async with asyncio.timeout(60):
        while not (found := await store.reports()):  # noqa: ASYNC110  # nothing tells of it
            await asyncio.sleep(0.01)
    return decode(found[0].report)


async def test_reports_go_on_when_the_store_is_back_and_end_with_the_worker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "EVERY_S", 0.01)
    store = Away()
    desk = Desk(store)
    writer = ReportWriter(store, reporting(desk))
    writer.start()
    await until(lambda: store.tried >= 2)
    store.away = False
    assert (await until_reported(store)).queued == 5
    await writer.stop()
    assert await store.reports() == []


async def test_a_defect_of_reports_ends_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "EVERY_S", 0.01)
    store = MemoryStore()
    made = reporting(Desk(store))
    right, turns = made.report, 0

    def broken() -> Report:
        nonlocal turns
        turns += 1
        raise ZeroDivisionError

    monkeypatch.setattr(made, "report", broken)
    writer = ReportWriter(store, made)
    writer.start()
    await until(lambda: turns >= 3)
    assert sum("could not be made" in each.message for each in caplog.records) == 1
    monkeypatch.setattr(made, "report", right)
    await until_reported(store)
    await writer.stop()
