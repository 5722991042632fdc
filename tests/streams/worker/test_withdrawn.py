"""Items that are withdrawn, from the event to the list that gateways go by."""

from __future__ import annotations

import pytest

from streams.events.schema import Item
from streams.kafka.message import Message
from streams.state.catalog import ItemRecord, encode_item
from streams.stores.commit import Commit
from streams.stores.memory import MemoryStore
from tests.streams.worker.conftest import NOW_MS, Desk, message


def item(offset: int, item_id: str, available: bool, ts: int = 0) -> Message:
    event = Item(event_id=f"{item_id}-{offset}", ts=NOW_MS + ts, item_id=item_id, available=available)
    return message(event, offset)


async def listed(store: MemoryStore) -> set[str]:
    return {item_id for item_id, gone in (await store.withdrawals("")).changes.items() if gone}


async def test_an_item_is_listed_with_the_batch_that_withdraws_it(desk: Desk, store: MemoryStore) -> None:
    await desk.take(item(0, "a", True), item(1, "b", False))
    assert await listed(store) == {"b"}
    await desk.take(
        item(2, "a", False, ts=1), item(3, "b", True, ts=1), item(4, "c", False), item(5, "c", True, ts=1)
    )
    assert await listed(store) == {"a"}


async def test_an_update_that_is_not_taken_changes_no_list(desk: Desk, store: MemoryStore) -> None:
    await desk.take(item(0, "a", False, ts=10))
    await desk.take(item(1, "a", True, ts=5))
    available = bool(desk.replica.recommender.catalog.available[0])
    assert (await listed(store) == set()) == available


async def test_whoever_takes_a_partition_over_knows_what_was_applied_there(store: MemoryStore) -> None:
    """An update that is late there is late here: nobody waits for the next look at the ledger."""
    before, after = Desk(store), Desk(store)
    for desk in (before, after):
        async with desk.replica.lock:
            await desk.replica.rebuild()
    await before.take(item(0, "a", False))
    after.batches.moved()
    await after.take(item(1, "a", True, ts=-3_600_000))
    assert await listed(store) == {"a"}
    assert after.counted("skipped_events_total", reason="older") == 1


@pytest.mark.parametrize("listing", [{}, {"a": True, "c": True}], ids=["no list yet", "a wrong one"])
async def test_a_store_of_an_older_build_gets_its_list_at_the_start(
    store: MemoryStore, listing: dict[str, bool]
) -> None:
    records = {name: ItemRecord(name, NOW_MS, available=name == "a") for name in ("a", "b", "c")}
    items = {name: encode_item(record) for name, record in records.items()}
    await store.intern([*records, "met"])
    await store.commit(Commit({}, {}, {}, {}, items, withdrawn=listing), "an older build")
    desk = Desk(store)
    async with desk.replica.lock:
        await desk.replica.rebuild()
    assert await listed(store) == {"b", "c"}
    version = (await store.withdrawals("")).version
    async with desk.replica.lock:
        await desk.replica.rebuild()
    assert (await store.withdrawals("")).version == version, "what is right is not written again"
