"""Counters that are kept equal through the ledger, snapshots and item records."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from numpy.typing import NDArray

from model.errors import FencedError, ModelError, StoreError
from streams.clock import ManualClock
from streams.counters import gradual_copy
from streams.counters.counters import Counters
from streams.counters.settings import CounterSettings
from streams.counters.snapshot import pack_counters, restore_counters
from streams.events.schema import Click, Impression, Item, Review
from streams.kafka.message import Message
from streams.ranking import slate as stored_slate
from streams.serving import heard_copy
from streams.serving.replica import Replica
from streams.settings.reading import override
from streams.settings.tree import Settings
from streams.stores.ledger_entries import Snapshot
from streams.stores.memory import MemoryStore
from tests.streams.counters.pair_reference import as_dicts
from tests.streams.worker.conftest import NOW_MS, Desk, click, message


def assert_equal(one: Replica, other: Replica) -> None:
    mine, theirs = one.recommender, other.recommender
    assert mine.catalog.ids == theirs.catalog.ids
    assert mine.counters.interactions == theirs.counters.interactions
    count = len(mine.catalog)
    for name in ("total", "events", "shown", "decayed", "first_ms", "last_ms"):
        left, right = getattr(mine.counters.popularity, name), getattr(theirs.counters.popularity, name)
        np.testing.assert_array_equal(left[:count], right[:count], name)
    for name in ("text", "added_ms", "announced_ms", "available"):
        np.testing.assert_array_equal(
            getattr(mine.catalog, name)[:count], getattr(theirs.catalog, name)[:count], name
        )
    used = int(mine.counters.pairs.used[0])
    np.testing.assert_array_equal(mine.counters.pairs.count[:used], theirs.counters.pairs.count[:used])


async def rebuilt(store: MemoryStore) -> Replica:
    replica = Desk(store).replica
    async with replica.lock:
        await replica.rebuild()
    return replica


async def test_followers_come_to_the_same(store: MemoryStore) -> None:
    one, two = Desk(store), Desk(store)
    await two.take(click(0, partition=1))
    for n in range(6):
        await one.take(click(n, f"u{n % 2}", f"i{n % 4}"))
    async with two.replica.lock:
        assert await two.replica.catch_up() == 6
        assert await two.replica.catch_up() == 0
    assert_equal(await rebuilt(store), two.replica)


async def test_a_snapshot_and_the_rest_of_the_ledger(store: MemoryStore) -> None:
    """Own entries beyond what was read of the ledger are in the snapshot, and are not counted again."""
    one, two = Desk(store), Desk(store)
    await one.take(click(0))
    await two.take(click(0, "bob", "i2", partition=1))
    await one.take(click(1, item="i3"))
    assert await one.replica.save_snapshot() > 0
    await two.take(click(1, "bob", "i4", partition=1))
    await one.take(click(2, item="i5"))
    fresh = await rebuilt(store)
    assert fresh.recommender.counters.interactions == 5
    assert fresh.recommender.counters.popularity.events[:5].tolist() == [1, 1, 1, 1, 1]
    for desk in (one, two):
        async with desk.replica.lock:
            await desk.replica.catch_up()
        assert desk.replica.recommender.counters.interactions == 5


async def test_a_follower_left_behind_begins_at_the_snapshot() -> None:
    """Without a margin the ledger before a snapshot is dropped, with what the follower has yet to read."""
    clock = ManualClock(NOW_MS)
    store = MemoryStore(clock=clock, ledger_margin_ms=0)
    one, two = Desk(store), Desk(store)
    await two.take(click(0, "bob", partition=1))
    for n in range(3):
        clock.advance(10)
        await one.take(click(n))
    async with one.replica.lock:
        await one.replica.catch_up()
    await one.replica.save_snapshot()
    assert (await rebuilt(store)).recommender.counters.interactions == 4
    chores = two.chores()
    await chores.follow()
    assert two.replica.recommender.counters.interactions == 1, "it has found that the ledger was dropped"
    await chores.follow()
    assert two.replica.recommender.counters.interactions == 4
    await two.take(click(1, "bob", partition=1))
    assert (await rebuilt(store)).recommender.counters.interactions == 5


async def test_only_the_leader_keeps_snapshot_and_fallback(store: MemoryStore) -> None:
    one, two = Desk(store), Desk(store)
    chores = [one.chores(), two.chores()]
    await one.take(click(0))
    await two.take(click(0, "bob", "i2", partition=1))
    for each in chores:
        await each.popular()
        await each.snapshot()
    assert one.counted("leader") == 1
    assert two.counted("leader") == 0
    snapshot = await store.snapshot()
    assert snapshot is not None
    assert snapshot.writer == one.replica.writer
    raw = await store.feed("")
    assert raw is not None
    assert [item.item_id for item in stored_slate.decode(raw).items] == ["i1"], (
        "the other's event was not followed yet"
    )


async def test_what_reviews_say_of_items_outlives_the_ledger(store: MemoryStore) -> None:
    desk = Desk(store)
    desk.batches.reader.encode = lambda texts: np.eye(64, dtype=np.float32)[: len(texts)]
    said = Review(event_id="r", ts=NOW_MS, user_id="ann", item_id="i1", text="a quiet film")
    own = Item(event_id="x", ts=NOW_MS, item_id="i2", title="Loud")
    await desk.take(message(said, 0), message(own, 0))
    assert desk.replica.recommender.catalog.text[0, 0] == 1.0
    followed = await rebuilt(store)
    await desk.replica.save_snapshot()
    for replica in (followed, await rebuilt(store)):
        assert_equal(desk.replica, replica)
        assert replica.recommender.catalog.reviews[:2].tolist() == [1.0, 0.0]
        assert replica.recommender.catalog.own_text[:2].tolist() == [False, True]


async def test_items_never_announced_are_as_old_as_their_first_event(store: MemoryStore) -> None:
    await Desk(store).take(click(0))
    assert (await rebuilt(store)).recommender.catalog.added_ms[0] == NOW_MS


async def test_an_item_is_as_old_in_a_worker_that_runs_as_in_one_that_starts(store: MemoryStore) -> None:
    """Announced twice; met long before it came here; only shown."""
    one, two = Desk(store), Desk(store)
    first = Item(event_id="a", ts=NOW_MS - 9_000, item_id="i1", title="One")
    again = Item(event_id="b", ts=NOW_MS - 2_000, item_id="i1", title="Uno")
    old = Click(event_id="c", ts=NOW_MS - 5_000_000, user_id="ann", item_id="i2")
    shown = Impression(event_id="d", ts=NOW_MS, user_id="ann", slate_id="s", items=["i3"])
    await one.take(message(first, 0), message(old, 0), message(shown, 0))
    await one.take(message(again, 1))
    async with two.replica.lock:
        await two.replica.catch_up()
    assert one.replica.recommender.catalog.added_ms[:3].tolist() == [NOW_MS - 9_000, NOW_MS - 5_000_000, 0]
    for replica in (two.replica, await rebuilt(store)):
        assert_equal(one.replica, replica)
    await one.replica.save_snapshot()
    assert_equal(one.replica, await rebuilt(store))


async def test_rows_that_mean_something_else_are_noticed(store: MemoryStore) -> None:
    desk = Desk(store)
    await desk.take(click(0, item="i1"))
    store.__init__()  # type: ignore[misc]  # as a restart without persistence
    await store.intern(["i2"])
    async with desk.replica.lock:
        with pytest.raises(FencedError, match="emptied"):
            await desk.replica.meet(["i2"])
    assert not desk.replica.sound


async def test_another_encoder_is_refused_before_anything_is_read() -> None:
    class Unread(MemoryStore):
        async def snapshot(self) -> Snapshot | None:
            raise AssertionError("the snapshot was read")

    store = Unread()
    await store.note_text_encoder("mini aaaa bbbb")
    replica = Replica(Settings(), store, ManualClock(NOW_MS))
    replica.texts_by = "other cccc dddd"
    async with replica.lock:
        with pytest.raises(ModelError, match="do not compare"):
            await replica.rebuild(mend=False)
    await replica.close()


def test_counters_as_bytes() -> None:
    settings = CounterSettings()
    counters = Counters(settings)
    counters.grow(40)
    draw = np.random.default_rng(1)
    for n in range(300):
        rating = float(draw.integers(1, 6)) if n % 3 else float("nan")
        counters.popularity.observe(int(draw.integers(40)), NOW_MS + n, 1.0, rating)
        previous = draw.integers(0, 40, 5).astype(np.int32)
        counters.pairs.observe(int(draw.integers(40)), previous, 1, NOW_MS + n, 1.0)
    counters.interactions = 300
    restored = Counters(settings)
    restore_counters(restored, pack_counters(counters))
    assert restored.interactions == 300
    for part in ("popularity", "pairs"):
        for name, value in vars(getattr(counters, part)).items():
            if name not in ("settings", "_leaders", "neighbour", "count"):
                np.testing.assert_array_equal(value, getattr(getattr(restored, part), name), name)
    assert as_dicts(restored.pairs, NOW_MS) == as_dicts(counters.pairs, NOW_MS)
    for column in range(3):
        assert counters.popularity.leaders(column).tolist() == restored.popularity.leaders(column).tolist()
        assert len(restored.popularity.leaders(column))
    # And they go on counting alike.
    for each in (counters, restored):
        each.pairs.observe(3, np.array([1, 2], np.int32), 0, NOW_MS + 999, 1.0)
    assert as_dicts(restored.pairs, NOW_MS) == as_dicts(counters.pairs, NOW_MS)


def test_other_bytes_and_other_settings_are_refused() -> None:
    packed = pack_counters(Counters(CounterSettings()))
    with pytest.raises(StoreError, match="rates_per_ms differs"):
        restore_counters(Counters(CounterSettings(half_lives_s=(1.0, 2.0, 3.0))), packed)
    with pytest.raises(StoreError, match="can't be read"):
        restore_counters(Counters(CounterSettings()), packed[:-3])
    assert Settings().counters == CounterSettings()


async def test_events_go_on_while_a_snapshot_is_made(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is of the moment at which it was begun; what comes meanwhile is read of the ledger, and once."""
    monkeypatch.setattr(gradual_copy, "SLICE_ROWS", 1)
    monkeypatch.setattr(heard_copy, "SLICE_ROWS", 1)
    desk = Desk(store)
    for n in range(12):
        await desk.take(click(n, f"u{n % 3}", f"i{n % 7}"))
    saving = asyncio.create_task(desk.replica.save_snapshot())
    n, meanwhile = 12, 0
    while not saving.done():
        await desk.take(click(n, f"u{n % 3}", f"i{n % 9}"))
        n, meanwhile = n + 1, meanwhile + (desk.replica.recommender.counters.copying is not None)
    await saving
    assert meanwhile > 3
    assert_equal(await rebuilt(store), desk.replica)


async def test_to_read_anew_does_not_make_the_index_of_items_anew(store: MemoryStore) -> None:
    """Only the items that another worker has changed or brought meanwhile are put again."""
    settings = override(Settings(), {"index": {"from_items": 10}})
    one, two = Desk(store, settings), Desk(store, settings)
    rng = np.random.default_rng(3)
    for desk in (one, two):
        desk.batches.reader.encode = lambda texts: np.stack([of_text(text) for text in texts])
    of = {f"i{n}": rng.normal(size=64) for n in range(60)}

    def of_text(text: str) -> NDArray[np.float32]:
        vector = of[text.split(" ")[0]] * (2 if text.endswith("again") else 1) + ("again" in text)
        return (vector / np.linalg.norm(vector)).astype(np.float32)

    def item(n: int, name: str, title: str) -> Message:
        return message(Item(event_id=f"{name} {n}", ts=NOW_MS + n, item_id=name, title=title), n)

    await one.take(*(item(n, f"i{n}", f"i{n}") for n in range(40)))
    async with one.replica.lock:
        await one.replica.core.call(one.replica.recommender.prepare)
    (index,) = one.replica.recommender.pipeline.indexes
    assert (index.builds, len(index.cells or ())) == (1, 40)
    await two.take(click(50, partition=1))
    again = item(40, "i3", "i3 again")
    await two.take(again, *(item(n + 1, f"i{n}", f"i{n}") for n in range(40, 43)))
    async with one.replica.lock:
        await one.replica.rebuild()
    (kept,) = one.replica.recommender.pipeline.indexes
    assert kept is index
    assert (kept.builds, len(kept.cells or ())) == (1, 43)
    assert kept.cells is not None
    assert kept.cells.changed == 4
    catalog = one.replica.recommender.catalog
    (found,) = kept.find(catalog.text[:43], of_text("i3 again")[None], [np.zeros(43, np.uint8)], [3])
    assert found[0] == catalog.rows["i3"]
    assert_equal(one.replica, await rebuilt(store))
