"""A batch is written whole or not at all, whatever the store, Kafka and other workers do meanwhile."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, cast

import msgspec
import pytest

from model.errors import StoreUnavailableError
from streams.batch import Incoming
from streams.events.schema import Control, EventLimits, Impression, Item, Review
from streams.kafka.message import Message
from streams.ranking import slate as stored_slate
from streams.state import user_state_codec
from streams.state.fold import Delivery
from streams.stores.commit import Commit
from streams.stores.memory import MemoryStore
from streams.worker import batches, reading, writing
from tests.streams.worker.conftest import NOW_MS, Desk, click, counted, interactions, message


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (batches, writing):
        monkeypatch.setattr(module, "RETRY_S", (0.0, 0.001))


class Failing:
    """Makes a method of the store fail at some calls, before or after it has done its work."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, store: MemoryStore, method: str) -> None:
        self.before = self.after = self.calls = 0
        real: Callable[..., Awaitable[Any]] = getattr(store, method)

        async def called(*arguments: Any) -> Any:
            self.calls += 1
            if self.before:
                self.before -= 1
                raise StoreUnavailableError("away")
            answer = await real(*arguments)
            if self.after:
                self.after -= 1
                raise StoreUnavailableError("the answer was lost")
            return answer

        monkeypatch.setattr(store, method, called)


async def test_a_batch_is_written_and_done(desk: Desk, store: MemoryStore) -> None:
    batch = [click(0), click(1, "bob"), click(0, "cy", partition=1)]
    assert await desk.take(*batch) == batch
    assert (await store.load([], ["clicks-0", "clicks-1"])).progress == {"clicks-0": 1, "clicks-1": 0}
    raw = await store.feed("ann")
    assert raw is not None
    slate = stored_slate.decode(raw)
    by_the_worker = dict.fromkeys(("begun", "applied", "made", "pushed"), NOW_MS)
    assert slate.times == {"event": NOW_MS, "accepted": NOW_MS - 5, **by_the_worker}
    assert desk.counted("events_total", topic="clicks", result="applied") == 3
    assert await counted(store) == 3


async def test_redelivered_events_change_nothing(desk: Desk, store: MemoryStore) -> None:
    await desk.take(click(0), click(1))
    batch = [click(0), click(1), click(2)]
    assert await desk.take(*batch) == batch
    assert await interactions(store) == 3
    assert desk.counted("skipped_events_total", reason="offset") == 2
    assert desk.replica.recommender.counters.interactions == await counted(store) == 3


@pytest.mark.parametrize("method", ["load", "commit", "intern"])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_store_that_is_away_is_waited_for(
    desk: Desk, store: MemoryStore, monkeypatch: pytest.MonkeyPatch, method: str, when: str
) -> None:
    """Even where the batch was written and only the answer was lost, it counts once."""
    failing = Failing(monkeypatch, store, method)
    setattr(failing, when, 3)
    await desk.take(click(0), click(1))
    assert failing.calls >= 4
    assert await interactions(store) == 2
    assert desk.replica.recommender.counters.interactions == await counted(store) == 2
    assert desk.counted("store_errors_total") == 3
    assert desk.batches.trouble == ""


async def test_a_worker_that_was_overtaken_goes_on_with_the_rest(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one has written a part of our batch between our fold and our commit."""
    zombie, heir = Desk(store), Desk(store)
    await zombie.take(click(0))
    real = store.commit
    overtaken = False

    async def commit(*arguments: Any) -> Any:
        nonlocal overtaken
        if not overtaken:
            overtaken = True
            await heir.take(click(1), message(review(0), 0))
        return await real(*arguments)

    monkeypatch.setattr(store, "commit", commit)
    batch = [click(1), click(2)]
    assert await zombie.take(*batch) == batch
    assert zombie.counted("fenced_batches_total") == 1
    assert await interactions(store) == 4
    assert zombie.replica.recommender.counters.interactions == await counted(store) == 4


def review(n: int, user: str = "ann") -> Review:
    return Review(event_id=f"r{n}", ts=NOW_MS, user_id=user, item_id="i2", rating=3.0)


async def test_the_other_topics_of_a_user_are_fenced_too(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A zombie's click must not undo a review that its heir has applied to the same user."""
    zombie, heir = Desk(store), Desk(store)
    real = store.load
    overtaken = False

    async def load(*arguments: Any) -> Any:
        nonlocal overtaken
        loaded = await real(*arguments)
        if not overtaken:
            overtaken = True
            await heir.take(message(review(0), 0))
        return loaded

    monkeypatch.setattr(store, "load", load)
    await zombie.take(click(0))
    state = user_state_codec.decode((await store.states(["ann"]))[0])
    assert state.interactions == 2
    assert state.rating_count == 1


async def test_dead_letters_are_safe_before_the_batch_is_done(desk: Desk, store: MemoryStore) -> None:
    desk.box.refusals = 2
    bad = click(1)._replace(value=b"nonsense", key=None)
    batch = [click(0), bad, click(2)]
    assert await desk.take(*batch) == batch
    assert [(letter.message, letter.reason) for letter in desk.box.letters] == [(bad, "not_json")]
    assert await interactions(store) == 2
    assert desk.replica.recommender.counters.interactions == 2, "waiting for Kafka counted something twice"
    assert desk.counted("broker_errors_total") == 2
    await desk.take(bad)
    assert len(desk.box.letters) == 1, "a bad event that comes again is no second letter"


async def test_an_event_that_raises_in_the_core_is_a_dead_letter(
    desk: Desk, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk.replica.lock:
        await desk.replica.rebuild()
    core = desk.replica.recommender
    real = core.apply

    def apply(state: Any, event: Any, *rest: Any) -> Any:
        if event.event_id == "0-1":
            raise ZeroDivisionError("one in a million")
        return real(state, event, *rest)

    monkeypatch.setattr(core, "apply", apply)
    await desk.take(click(0), click(1), click(2))
    assert [(letter.reason, letter.message.offset) for letter in desk.box.letters] == [("apply_failed", 1)]
    assert "ZeroDivisionError" in desk.box.letters[0].why
    assert await interactions(store) == 2


async def test_a_state_that_cannot_be_read_is_kept(desk: Desk, store: MemoryStore) -> None:
    """Its user's events become dead letters, for a replay once it is repaired."""
    await store.commit(Commit({}, {}, {"ann": b"\xff nonsense"}, {}, {}), "somebody")
    await desk.take(click(0), click(1, "bob"))
    assert [letter.reason for letter in desk.box.letters] == ["state_unreadable"]
    assert (await store.states(["ann"]))[0] == b"\xff nonsense"
    assert await interactions(store, "bob") == 1


async def test_a_letter_from_before_a_reread_is_sent_once(desk: Desk, store: MemoryStore) -> None:
    broken = click(2)._replace(value=b"?")
    await desk.take(click(0))
    await desk.take(click(5))
    await desk.take(broken, click(1), broken._replace(seek=broken.seek), click(3))
    assert [letter.message.offset for letter in desk.box.letters] == [2]
    assert await interactions(store) == 3


async def test_an_order_is_checked_then_told(desk: Desk, store: MemoryStore) -> None:
    orders = [
        message(Control(event_id=name, ts=NOW_MS, command="activate_model", model=name), n)
        for n, name in enumerate(("m1", "unknown"))
    ]
    await desk.take(*orders, click(0))
    assert desk.models.orders == ["m1"]
    assert [(letter.reason, letter.message.offset) for letter in desk.box.letters] == [("bad_model", 1)]
    other = Desk(store)
    async with other.replica.lock:
        await other.replica.rebuild()
    assert other.replica.activated == "m1"


async def test_an_order_that_came_while_the_counters_were_read_anew_is_obeyed(
    desk: Desk, store: MemoryStore
) -> None:
    other = Desk(store)
    other.models.known = ("m1", "m2")
    chores = other.chores()
    await chores.follow()
    order = Control(event_id="m", ts=NOW_MS, command="activate_model", model="m1")
    await desk.take(message(order, 0))
    other.replica.sound = False
    await other.take(click(0))
    await chores.follow()
    assert other.models.orders == ["m1"]
    await other.take(message(msgspec.structs.replace(order, event_id="n", model="m2"), 1))
    await chores.follow()
    assert set(other.models.orders[1:]) == {"m2"}, "no older one is obeyed again"


async def test_an_order_of_another_kind_is_a_dead_letter(
    desk: Desk, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether its command can't be decoded, or is one that a build knows and does not obey."""
    order = Control(event_id="o", ts=NOW_MS, command=cast("Any", "forget_user"), model="m1")
    await desk.take(message(order, 0))
    assert [(letter.reason, letter.message.offset) for letter in desk.box.letters] == [("invalid", 0)]
    assert "forget_user" in desk.box.letters[0].why

    def decoded(message: Message, now_ms: int, limits: EventLimits) -> Incoming:
        return Incoming(order, Delivery(message.topic, message.offset), message.accepted_ms(now_ms))

    monkeypatch.setattr(reading, "read", decoded)
    await desk.take(message(order, 1))
    assert [letter.reason for letter in desk.box.letters] == ["invalid", "unknown_command"]
    assert desk.models.orders == []
    other = Desk(store)
    async with other.replica.lock:
        await other.replica.rebuild()
    assert other.replica.activated == ""
    assert (await store.load([], ["control-0"])).progress == {"control-0": 1}


async def test_items_and_impressions_are_told(desk: Desk, store: MemoryStore) -> None:
    item = Item(event_id="x", ts=NOW_MS, item_id="i1", title="One", available=False)
    shown = Impression(event_id="y", ts=NOW_MS, user_id="ann", slate_id="s", items=["i1", "i9"])
    await desk.take(message(item, 0), message(shown, 0))
    other = Desk(store)
    async with other.replica.lock:
        await other.replica.rebuild()
    catalog = other.replica.recommender.catalog
    assert catalog.ids == ["i1", "i9"]
    assert catalog.available[:2].tolist() == [False, True]
    assert other.replica.recommender.counters.popularity.shown[:2].tolist() == [1, 1]


@pytest.mark.parametrize(
    "headers",
    [
        (),
        [("headrace-accepted", b"")],
        [("headrace-accepted", b"nan")],
        [("headrace-accepted", b"inf")],
        [("headrace-accepted", b"-5")],
        [("headrace-accepted", b"9" * 400)],
        [("headrace-accepted", b"yesterday")],
    ],
)
async def test_freshness_of_another_producers_events_counts_from_when_they_are_read(
    desk: Desk, store: MemoryStore, headers: Any
) -> None:
    await desk.take(click(0)._replace(headers=headers, timestamp_ms=-5.0))
    raw = await store.feed("ann")
    assert raw is not None
    assert stored_slate.decode(raw).times["accepted"] == NOW_MS
    assert desk.counted("accepted_to_pushed_seconds_sum") == 0
