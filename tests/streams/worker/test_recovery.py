"""Counters that can't be trusted are read anew, and Kafka where the store has forgotten."""

from __future__ import annotations

from streams.stores.memory import MemoryStore
from tests.streams.worker.conftest import Desk, click, counted, interactions


async def test_an_idle_worker_notices_that_the_store_was_emptied(desk: Desk, store: MemoryStore) -> None:
    await desk.take(click(0))
    store.__init__()  # type: ignore[misc]  # as a restart without persistence
    chores = desk.chores()
    await chores.follow()
    await chores.follow()
    assert desk.log.reread_from == [("clicks-0", 0), ("reviews-0", 0)]
    assert desk.replica.recommender.counters.interactions == 0


async def test_a_store_that_was_emptied_begins_anew(desk: Desk, store: MemoryStore) -> None:
    await desk.take(click(0), click(1))
    store.__init__()  # type: ignore[misc]  # as a restart without persistence
    assert await desk.take(click(2)) == []
    assert desk.log.reread_from == [("clicks-0", 0), ("reviews-0", 0)]
    await desk.take(click(0), click(1), click(2))
    assert await interactions(store) == 3
    assert desk.replica.recommender.counters.interactions == await counted(store) == 3


async def test_what_can_be_trusted_is_not_read_anew(desk: Desk) -> None:
    await desk.take(click(0))
    before = desk.replica.recommender
    async with desk.replica.lock:
        await desk.batches.recovery.recover()
        assert desk.replica.recommender is before
        desk.replica.sound = False
        await desk.batches.recovery.recover()
    assert desk.replica.recommender is not before
    assert desk.replica.recommender.counters.interactions == 1
    assert desk.counted("rebuilds_total") == 2, "the first one is the start"


async def test_after_partitions_moved_the_ledger_is_read_before_the_next_fold(store: MemoryStore) -> None:
    desk, other = Desk(store), Desk(store)
    await desk.take(click(0))
    await other.take(click(1))
    assert desk.replica.recommender.counters.interactions == 1
    desk.batches.recovery.moved()
    async with desk.replica.lock:
        for _ in range(2):
            await desk.batches.recovery.follow()
            assert desk.replica.recommender.counters.interactions == 2
