"""A user is deleted by an event in its order: nothing stays in the store, and nothing comes back."""

from __future__ import annotations

from streams.events.schema import Click, EventLimits, Forget, Impression, User
from streams.kafka.message import Message
from streams.settings.tree import Settings
from streams.state import user_state_codec
from streams.state.ledger import decode_record
from streams.state.tombstone import digest_of_user, tombstone_name
from streams.stores.ledger_entries import START
from streams.stores.memory import MemoryStore
from tests.streams.worker.conftest import NOW_MS, Desk, click, counted, interactions, message


def deletion(ts: int = NOW_MS, user: str = "ann") -> Forget:
    return Forget(event_id=f"forget-{ts}", ts=ts, user_id=user)


def later(offset: int, ts: int = NOW_MS + 1, user: str = "ann") -> Click:
    return Click(event_id=f"later-{offset}", ts=ts, user_id=user, item_id="i2")


def since(sent: Message) -> Message:
    """The message, accepted after the deletion."""
    return sent._replace(headers={"headrace-accepted": b"%d" % (NOW_MS + 3)})


async def held(store: MemoryStore, user: str = "ann") -> list[bytes | None]:
    loaded = await store.load([user], [], [user])
    return [*loaded.states, *loaded.slates, await store.feed(user)]


async def test_nothing_is_left_of_a_deleted_user(desk: Desk, store: MemoryStore) -> None:
    await desk.take(click(0), click(1, "bob"))
    await store.put_note("write", b"a profile", "", 60_000, "ann", NOW_MS)
    assert None not in await held(store)
    await desk.take(message(deletion(), 0))
    assert await held(store) == [None, None, None]
    assert await store.notes(["write"], "ann") == [None]
    assert None not in await held(store, "bob")
    assert list(store._tombstones.values) == [tombstone_name("ann")]
    assert b"ann" not in b"".join(raw for _, raw in store._tombstones.values.values())
    assert await counted(store) == 2, "the counters know nobody by name, and stay as they are"
    (*_, entry) = await store.read_ledger(START, 10)
    assert decode_record(entry.payload).forgotten == [digest_of_user("ann")]
    assert desk.counted("events_total", topic="users", result="applied") == 1


async def test_what_comes_late_from_before_is_left_out_and_said(desk: Desk, store: MemoryStore) -> None:
    await desk.take(click(0))
    await desk.take(message(deletion(), 0))
    shown = Impression(event_id="s", ts=NOW_MS - 1, user_id="ann", slate_id="s1", items=["i1"])
    await desk.take(click(1), click(2), message(shown, 0))
    assert await held(store) == [None, None, None]
    assert desk.counted("skipped_events_total", reason="forgotten") == 3
    assert await counted(store) == 1


async def test_another_worker_leaves_it_out_too(desk: Desk, store: MemoryStore) -> None:
    await desk.take(click(0), message(deletion(), 0))
    heir = Desk(store)
    await heir.take(click(1))
    again = message(User(event_id="p", ts=NOW_MS - 5, user_id="ann", profile={"plan": "gold"}), 1)
    assert await held(store) == [None, None, None]
    await heir.take(again)
    assert user_state_codec.decode((await store.states(["ann"]))[0]).profile == {"plan": "gold"}
    third = Desk(store)
    await third.take(click(2))
    assert await interactions(store) == 0, "who came back still has a past that is left out"


async def test_what_happens_since_is_a_new_users(desk: Desk, store: MemoryStore) -> None:
    await desk.take(*(click(offset, item=f"i{offset}") for offset in range(3)))
    await desk.take(message(deletion(), 0))
    desk.clock.advance(10)
    new = since(message(later(3), 3))
    await desk.take(new)
    assert await interactions(store) == 1
    assert await store.feed("ann") is not None


async def test_in_one_batch_each_event_counts_by_its_order(desk: Desk, store: MemoryStore) -> None:
    desk.clock.advance(10)
    new = since(message(later(3), 3))
    await desk.take(
        click(0), click(1, "bob"), click(2), message(deletion(NOW_MS), 0), new, message(deletion(), 1)
    )
    assert await interactions(store) == 1
    (entry,) = await store.read_ledger(START, 10)
    record = decode_record(entry.payload)
    assert [each.user for each in record.interactions] == ["", "bob", "", "ann"]
    assert desk.counted("skipped_events_total", reason="duplicate") == 1
    gone = message(deletion(NOW_MS + 5), 2)
    await desk.take(since(message(later(4, NOW_MS + 3), 4)), gone)
    assert await held(store) == [None, None, None], "who acted and was deleted in one batch has no feed"


async def test_a_deletion_that_is_delivered_again_deletes_nothing_new(desk: Desk, store: MemoryStore) -> None:
    desk.clock.advance(10)
    new = since(message(later(3), 0))
    await desk.take(message(deletion(), 0), new)
    await desk.take(message(deletion(), 0))
    await Desk(store).take(message(deletion(), 1))
    assert await interactions(store) == 1


async def test_a_tombstone_that_cant_be_read_holds_up_nobody_else(desk: Desk, store: MemoryStore) -> None:
    store._tombstones.put(tombstone_name("ann"), b"\xff", 60_000)
    await desk.take(click(0), click(1, "bob"))
    assert [letter.reason for letter in desk.box.letters] == ["state_unreadable"]
    assert await interactions(store, "bob") == 1


async def test_who_has_a_state_that_cant_be_read_is_deleted_all_the_same(
    desk: Desk, store: MemoryStore
) -> None:
    store._states.put("ann", b"damaged")
    desk.clock.advance(10)
    await desk.take(click(0), message(deletion(), 0), since(message(later(1), 1)))
    assert [letter.reason for letter in desk.box.letters] == ["state_unreadable"]
    assert await interactions(store) == 1
    await desk.take(message(deletion(NOW_MS + 5), 1))
    assert await held(store) == [None, None, None]


async def test_a_new_deletion_mends_a_tombstone_that_cant_be_read(desk: Desk, store: MemoryStore) -> None:
    await desk.take(click(0))
    store._tombstones.put(tombstone_name("ann"), b"\xff", 60_000)
    heir = Desk(store)
    await heir.take(message(deletion(), 0), click(1))
    assert heir.box.letters == []
    assert heir.counted("skipped_events_total", reason="forgotten") == 1
    assert await held(store) == [None, None, None]


async def test_a_tombstone_lives_for_a_while_however_little_may_be_late() -> None:
    settings = Settings(events=EventLimits(max_late_ms=0))
    store = MemoryStore()
    await Desk(store, settings).take(message(deletion(), 0))
    assert list((await store.load(["ann"], ["users-0"])).tombstones) == ["ann"]
