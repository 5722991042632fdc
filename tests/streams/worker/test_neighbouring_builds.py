"""Workers of two neighbouring builds on one store, as while they are upgraded one after the other.

The other build is played by the bytes that it writes.
"""

from __future__ import annotations

import zlib

import msgspec
import numpy as np
import pytest

from model.errors import NewerVersionError
from streams.state import ledger_layout, user_state_codec
from streams.state.ledger import decode_record
from streams.stores.base import Store
from streams.stores.commit import Commit
from streams.stores.ledger_entries import Snapshot
from streams.stores.memory import MemoryStore
from tests.streams.state.test_stored_format import counters_of, ledger_v1, state_v2, unmarked_payload
from tests.streams.worker.conftest import Desk, click

OTHER = "the other build"


async def writes(store: Store, record: bytes = b"", states: dict[str, bytes] | None = None) -> None:
    """The other build has written a batch."""
    await store.commit(Commit({}, {}, states or {}, {}, {}, record), OTHER)


def newer(raw: bytes) -> bytes:
    return msgspec.msgpack.encode([ledger_layout.VERSION + 1, *msgspec.msgpack.decode(raw)[1:]])


async def test_a_worker_counts_what_a_former_build_writes(store: MemoryStore) -> None:
    """While it runs, and when it starts."""
    await store.intern([f"i{n}" for n in range(10)])
    desk = Desk(store)
    await desk.take(click(0, item="i1"))
    await writes(store, ledger_v1())
    async with desk.replica.lock:
        assert await desk.replica.catch_up() == 1
    started = Desk(store)
    async with started.replica.lock:
        await started.replica.rebuild()
    for replica in (desk.replica, started.replica):
        popularity = replica.recommender.counters.popularity
        assert replica.recommender.counters.interactions == 3
        assert popularity.events[:5].tolist() == [0, 1, 0, 1, 1]
        assert popularity.shown[:7].tolist() == [0, 0, 0, 0, 0, 1, 1]
        assert not replica.recommender.catalog.available[4]
        assert replica.activated == "m1"
    await desk.take(click(1, item="i3"))
    assert desk.replica.recommender.counters.interactions == 4


@pytest.mark.parametrize("former", ["counters", "payload"])
async def test_a_worker_starts_from_the_snapshot_of_a_former_build(store: MemoryStore, former: str) -> None:
    """Whether its counters are of version 1, or only the payload around them has no mark."""
    await store.intern([f"i{n}" for n in range(5)])
    payload = unmarked_payload()
    if former == "counters":
        said = [np.zeros(0, "<i4").tobytes()] * 3
        payload = zlib.compress(msgspec.msgpack.encode([counters_of(1, 4), said]))
    await writes(store, ledger_v1())
    position = (await store.read_ledger("0-0", 1))[0].position
    await store.save_snapshot(Snapshot(position, OTHER, position, payload))
    desk = Desk(store)
    async with desk.replica.lock:
        await desk.replica.rebuild()
    assert desk.replica.recommender.counters.interactions == 2
    await desk.take(click(0, item="i1"))
    assert await desk.replica.save_snapshot() > 0
    again = Desk(store)
    async with again.replica.lock:
        await again.replica.rebuild()
    assert again.replica.recommender.counters.interactions == 3


async def test_a_former_builds_state_goes_on(store: MemoryStore) -> None:
    await store.intern([f"i{n}" for n in range(70_001)])
    await writes(store, states={"ann": state_v2()})
    desk = Desk(store)
    await desk.take(*(click(n, item="i5") for n in range(13)))
    (raw,) = await store.states(["ann"])
    assert raw is not None
    assert raw[0] == user_state_codec.VERSION
    assert user_state_codec.decode(raw).interactions == 3 + 1  # the first twelve offsets are applied already
    assert not desk.box.letters


async def test_an_entry_of_a_newer_build_stops_a_worker_and_is_not_counted(store: MemoryStore) -> None:
    await store.intern([f"i{n}" for n in range(10)])
    desk = Desk(store)
    await desk.take(click(0, item="i1"))
    await writes(store, newer(ledger_v1()))
    with pytest.raises(
        NewerVersionError, match=f"ledger entry of version {ledger_layout.VERSION + 1}.*upgrade it"
    ):
        await desk.chores().follow()
    assert not desk.replica.sound
    with pytest.raises(NewerVersionError):
        await desk.take(click(1, item="i1"))
    assert (await store.load([], ["clicks-0"])).progress == {"clicks-0": 0}
    (raw,) = await store.states(["ann"])
    assert user_state_codec.decode(raw).interactions == 1
    entries = await store.read_ledger("0-0", 10)
    assert [entry.writer for entry in entries[1:]] == [OTHER], "nothing is told on counters that lack a part"
    assert len(decode_record(entries[0].payload).interactions) == 1


async def test_a_state_of_a_newer_build_stops_a_worker_and_loses_no_event(store: MemoryStore) -> None:
    """As dead letters its user's events would be lost until somebody replays them."""
    raw = user_state_codec.encode(user_state_codec.decode(state_v2()))
    await store.intern([f"i{n}" for n in range(70_001)])
    await writes(store, states={"ann": bytes([user_state_codec.VERSION + 1]) + raw[1:]})
    desk = Desk(store)
    with pytest.raises(NewerVersionError, match="user state of version"):
        await desk.take(click(0), click(1, "bob"))
    assert not desk.box.letters
    assert (await store.load([], ["clicks-0"])).progress == {"clicks-0": -1}
