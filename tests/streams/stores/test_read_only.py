"""A store that is only read: it reads what the other one holds, and every method that writes is refused."""

from __future__ import annotations

from typing import Any

import pytest

from model.errors import StoreError
from streams.clock import ManualClock
from streams.stores.base import Store
from streams.stores.commit import Commit, digest_of
from streams.stores.ledger_entries import START, Snapshot
from streams.stores.memory import MemoryStore
from streams.stores.read_only import ReadOnlyStore

READS: dict[str, tuple[Any, ...]] = {
    "load": (["u"], ["clicks-0"]),
    "interned": (0,),
    "items": (["i"],),
    "states": (["u"],),
    "feed": ("u",),
    "read_feeds": (["u"], ["u"]),
    "withdrawals": ("",),
    "read_ledger": (START, 10),
    "snapshot": (),
    "active_model": (),
    "activations": (),
    "item_ids": (0, 5),
    "users": ("", 5),
    "notes": (["n"],),
    "text_encoder": (),
    "reports": (),
    "load_of_server": (),
    "experiments": (),
    "experiments_log": (),
    "condition": (),
    "read_arm_sums": ("e",),
    "read_sums_history": ("e",),
}
WRITES: dict[str, tuple[Any, ...]] = {
    "commit": (Commit({}, {}, {"u": b"s"}, {}, {}), "w"),
    "intern": (["j"],),
    "put_feed": ("u", b"f"),
    "mend_withdrawn": ({"i": False}, {"i": ""}),
    "save_snapshot": (Snapshot("9-9", "w", "9-9", b"p"),),
    "lead": ("leader", "w", 1_000),
    "activate": ("second",),
    "note_text_encoder": ("another",),
    "put_experiments": (b"two", digest_of(b"one"), b"second"),
    "append_sums_history": ("e", 2),
    "forget_sums": ("e",),
    "put_report": ("w", b"r", 60_000),
    "put_note": ("n", b"w", digest_of(b"v"), 60_000),
}


async def filled() -> MemoryStore:
    store = MemoryStore(clock=ManualClock(1_000))
    await store.put_report("w", b"r", 60_000)
    await store.intern(["i"])
    commit = Commit({"clicks-0": -1}, {"clicks-0": 4}, {"u": b"s"}, {"u": b"f"}, {"i": b"r"}, b"entry")
    await store.commit(commit._replace(withdrawn={"i": True}, arm_sums={"e": {"a:m:0": 1}}), "w")
    await store.append_sums_history("e", 1)
    await store.save_snapshot(Snapshot(START, "w", START, b"p"))
    await store.activate("first")
    await store.note_text_encoder("one")
    await store.put_note("n", b"v", digest_of(None), 60_000)
    await store.put_experiments(b"one", digest_of(None), b"first")
    return store


def test_no_method_is_left_out() -> None:
    methods = {name for name in vars(Store) if not name.startswith("_")}
    assert methods == {*READS, *WRITES, "close", "hear_of_feeds"}


async def test_it_hears_of_feeds_that_the_other_writes() -> None:
    store = MemoryStore()
    news = await ReadOnlyStore(store).hear_of_feeds()
    await store.commit(Commit({}, {}, {}, {"u": b"f"}, {}), "w")
    assert await news.next() == ["u"]


@pytest.mark.parametrize("method", READS)
async def test_what_it_reads_is_what_the_other_holds(method: str) -> None:
    store = await filled()
    found = await getattr(ReadOnlyStore(store), method)(*READS[method])
    assert found == await getattr(store, method)(*READS[method])
    assert found


async def contents(store: Store) -> list[Any]:
    return [await getattr(store, method)(*arguments) for method, arguments in READS.items()]


@pytest.mark.parametrize("method", WRITES)
async def test_what_would_write_is_refused_and_changes_nothing(method: str) -> None:
    store = await filled()
    before = await contents(store)
    with pytest.raises(StoreError, match=f"{method}: this process was opened to read only"):
        await getattr(ReadOnlyStore(store), method)(*WRITES[method])
    assert await contents(store) == before
    assert await store.lead("leader", "another", 1_000), "nobody has the lease"
    await getattr(store, method)(*WRITES[method])  # which the other one takes
