"""A follower holds up no batch unless somebody else has written, and counts each entry once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from streams.recommender import Recommender
from streams.serving import replica
from streams.serving.follower import Follower
from streams.serving.ledger_pages import LEDGER_PAGE, follow_records
from streams.serving.replica import FOLLOWED_AT_ONCE
from streams.state.ledger import Record
from streams.stores.commit import Commit
from streams.stores.ledger_entries import LedgerEntry
from streams.stores.memory import MemoryStore
from tests.streams.worker.conftest import Desk, click, counted, until


class SlowStore(MemoryStore):
    """Commits of who is not `free` wait until `gate` is open; `asked`: how often the ledger was read."""

    def __init__(self) -> None:
        super().__init__()
        self.gate, self.asked = asyncio.Event(), 0
        self.free: set[str] = set()

    async def commit(self, commit: Commit, writer: str) -> str:
        if writer not in self.free:
            await self.gate.wait()
        return await super().commit(commit, writer)

    async def read_ledger(self, after: str, limit: int) -> list[LedgerEntry]:
        self.asked += 1
        return await super().read_ledger(after, limit)


def follower(desk: Desk) -> Follower:
    return Follower(desk.replica, desk.models, desk.batches.recovery.recover)


async def two_that_wrote() -> tuple[SlowStore, Desk, Desk]:
    """A store whose gate is open, and two workers of which each has written a click."""
    store = SlowStore()
    store.gate.set()
    desk, other = Desk(store), Desk(store)
    await desk.take(click(0))
    await other.take(click(0, "bob", "i2", partition=1))
    return store, desk, other


async def test_a_batch_in_flight_is_not_waited_for_where_nobody_else_wrote() -> None:
    store = SlowStore()
    store.gate.set()
    desk = Desk(store)
    await desk.take(click(0))
    store.gate.clear()
    flight = await desk.batches.begin([click(1)])
    assert desk.replica.lock.locked()
    for _ in range(3):
        assert await follower(desk).turn() == 0
    assert desk.replica.position == desk.replica.own_position, "what it wrote itself is not read again"
    store.gate.set()
    await flight
    assert await follower(desk).turn() == 0
    assert desk.replica.recommender.counters.interactions == await counted(store) == 2


async def test_what_others_wrote_is_counted_between_two_batches_and_once() -> None:
    store, desk, other = await two_that_wrote()
    store.free.add(other.replica.writer)
    store.gate.clear()
    flight = await desk.batches.begin([click(1)])
    store.asked = 0
    turning = asyncio.create_task(follower(desk).turn())
    await until(lambda: store.asked > 0)
    await other.take(click(1, "bob", "i3", partition=1))  # behind what the follower has read by now
    await asyncio.sleep(0.01)
    assert not turning.done(), "the counters are ahead of the store"
    store.gate.set()
    await flight
    assert await turning + await follower(desk).turn() == 2
    assert await follower(desk).turn() == 0
    assert desk.replica.followed == 2
    assert desk.replica.recommender.counters.interactions == await counted(store) == 4


async def test_a_page_that_was_read_before_the_counters_were_read_anew_is_void() -> None:
    store, desk, _ = await two_that_wrote()
    page = await desk.replica.unread()
    assert page is not None
    assert len(page.entries) == 2, "its own and the other's"
    async with desk.replica.lock:
        await desk.replica.rebuild()
        assert await desk.replica.catch_up(page) == 0, "all of it is counted already"
    assert desk.replica.recommender.counters.interactions == await counted(store) == 2


async def test_many_pages_are_followed_to_their_end(monkeypatch: pytest.MonkeyPatch) -> None:
    store, desk, _ = await two_that_wrote()
    await follower(desk).turn()
    raw = (await store.read_ledger("0-0", 1))[0].payload
    for _ in range(LEDGER_PAGE + 3):  # of a third worker: the same click again and again
        await store.commit(Commit({}, {}, {}, {}, {}, raw), "third")
    pieces, follow = [], follow_records

    def counting(recommender: Recommender, records: Sequence[Record]) -> None:
        pieces.append(len(records))
        follow(recommender, records)

    monkeypatch.setattr(replica, "follow_records", counting)
    assert await follower(desk).turn() == LEDGER_PAGE + 3
    assert max(pieces) == FOLLOWED_AT_ONCE, "the core takes what else waits between them"
    assert sum(pieces) == LEDGER_PAGE + 3
    assert desk.replica.recommender.counters.interactions == 2 + LEDGER_PAGE + 3
