"""What a reader keeps of users: what workers wrote since it began, also after the counters are read anew."""

from __future__ import annotations

from streams.clock import ManualClock
from streams.events.schema import Forget
from streams.serving.replica import Replica
from streams.settings.tree import Settings
from streams.stores.memory import MemoryStore
from tests.streams.worker.conftest import NOW_MS, Desk, click, message


def known(replica: Replica) -> dict[str, list[str]]:
    core = replica.recommender
    assert core.recent_users is not None
    found = {user: core.recent_users.of(user) for user in core.recent_users}
    return {
        user: [core.catalog.ids[row] for row in rows.tolist()]
        for user, rows in found.items()
        if rows is not None
    }


async def test_a_reader_knows_who_acted_and_a_worker_keeps_nothing(store: MemoryStore, desk: Desk) -> None:
    reader = Replica(Settings(), store, ManualClock(NOW_MS), knows_users=True)
    await desk.take(click(0, "ann", "i1"))
    async with reader.lock:
        await reader.rebuild(mend=False)
    assert known(reader) == {"ann": ["i1"]}, "no snapshot stands before it"
    await desk.take(click(1, "bob", "i2"), click(2, "ann", "i3"))
    async with reader.lock:
        await reader.catch_up()
    assert known(reader) == {"bob": ["i2"], "ann": ["i3", "i1"]}
    assert desk.replica.recommender.recent_users is None
    await reader.close()


async def test_what_it_knew_outlives_a_new_reading_of_the_counters(store: MemoryStore, desk: Desk) -> None:
    reader = Replica(Settings(), store, ManualClock(NOW_MS), knows_users=True)
    await desk.take(click(0, "ann", "i1"), click(1, "bob", "i2"))
    async with reader.lock:
        await reader.rebuild(mend=False)
    assert await store.lead("leader", desk.replica.writer, 60_000)
    await desk.replica.save_snapshot()
    await desk.take(click(2, "ann", "i2"))
    async with reader.lock:
        await reader.rebuild(mend=False)
    assert known(reader) == {"bob": ["i2"], "ann": ["i2", "i1"]}
    newcomer = Replica(Settings(), store, ManualClock(NOW_MS), knows_users=True)
    async with newcomer.lock:
        await newcomer.rebuild(mend=False)
    assert known(newcomer) == {"ann": ["i2", "i1"]}, "who acted before the snapshot is not in the ledger"
    for replica in (reader, newcomer):
        await replica.close()


async def test_users_of_a_store_that_was_emptied_are_forgotten(store: MemoryStore, desk: Desk) -> None:
    reader = Replica(Settings(), store, ManualClock(NOW_MS), knows_users=True)
    await desk.take(click(0, "ann", "i1"), click(1, "ann", "i2"))
    async with reader.lock:
        await reader.rebuild(mend=False)
    assert known(reader) == {"ann": ["i2", "i1"]}
    other = MemoryStore()
    await Desk(other).take(click(0, "bob", "other"))
    reader.store = other
    async with reader.lock:
        await reader.rebuild(mend=False)
    assert known(reader) == {"bob": ["other"]}, "rows mean other items now"
    await reader.close()


async def test_a_deletion_that_the_snapshot_covers_is_not_missed(store: MemoryStore, desk: Desk) -> None:
    """The reader was behind what the leader itself wrote, which is not read again behind its snapshot."""
    heard: list[object] = []
    reader = Replica(Settings(), store, ManualClock(NOW_MS), knows_users=True, on_forgotten=heard.append)
    other = Desk(store)
    await other.take(click(0, "bob", "i2", partition=1))
    await desk.take(click(0, "ann", "i1"))
    async with reader.lock:
        await reader.rebuild(mend=False)
    assert (known(reader), heard) == ({"bob": ["i2"], "ann": ["i1"]}, [])
    await desk.take(message(Forget(event_id="f", ts=NOW_MS, user_id="ann"), 0))
    assert await store.lead("leader", desk.replica.writer, 60_000)
    await desk.replica.save_snapshot()
    async with reader.lock:
        await reader.rebuild(mend=False)
    assert "ann" not in known(reader)
    assert heard == [None]
    await reader.close()
