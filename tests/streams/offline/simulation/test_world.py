"""One world: what its feeds and its counters come to."""

from __future__ import annotations

import io

import pytest
from msgspec.structs import replace

from model.errors import EventError
from streams.counters.snapshot import pack_counters
from streams.events.schema import Click, Impression, Review, decode
from streams.offline.simulation.world import World
from streams.recommender import Recommender
from streams.settings.reading import override
from streams.settings.tree import Settings
from streams.state import user_state_codec
from streams.state.fold import Delivery
from streams.state.user_state import EMPTY, UserState
from tests.streams.core import START_MS, Small

ARMS = override(Settings(), {"arms": {"short": {"stages": {"feed": {"size": 3}}}}})


def click(k: int, user: str, item: str, ts: int, **said: object) -> Click:
    return Click(event_id=f"e{k}", ts=ts, user_id=user, item_id=item, **said)  # type: ignore[arg-type]


def world_of(core: Recommender, log: io.BytesIO | None = None) -> World:
    return World("w", core, {"ann": "default", "bob": "short"}.__getitem__, START_MS, log)


async def test_strangers_read_what_is_popular_under_an_id_that_is_no_random_one() -> None:
    small = Small(30)
    for _ in range(3):
        small.act("someone", 4)
    world = world_of(small.core)
    world.clock.ms = small.now_ms
    shown = await world.read("ann", 5)
    assert shown.items[0].item_id == "i4"
    assert shown.own == 0
    assert (await world.read("ann", 5)).slate.slate_id == shown.slate.slate_id
    world.clock.advance(1)
    assert (await world.read("ann", 5)).slate.slate_id != shown.slate.slate_id


async def test_who_clicks_has_a_feed_of_their_arm_without_what_they_met() -> None:
    world = world_of(Small(30, ARMS).core)
    for user, size in (("ann", 20), ("bob", 3)):
        await world.deliver(click(size, user, "i7", START_MS))
        shown = await world.read(user, 20 if user == "ann" else 3)
        assert shown.own == shown.n == size
        assert "i7" not in [item.item_id for item in shown.items]
        assert shown.slate.arm == world.arm_of(user)
        assert shown.slate.cause == f"e{size}"
    assert world.events == {"clicks": 2}
    assert world.learned == 2


async def test_it_comes_to_what_the_core_comes_to_by_itself() -> None:
    """The same clicks and reviews, folded without a store, a gateway and JSON."""
    log = io.BytesIO()
    world = world_of(Small(30, ARMS).core, log)
    alone = Small(30, ARMS)
    states: dict[str, UserState] = {}
    for k in range(40):
        user, item, ts = ("ann", "bob")[k % 2], f"i{k * 7 % 33}", START_MS + 1_000 * k
        event: Click | Review = click(k, user, item, ts)
        if k % 3 == 0:
            event = Review(event_id=f"e{k}", ts=ts, user_id=user, item_id=item, rating=float(1 + k % 5))
        world.clock.ms = ts
        await world.deliver(event)
        alone.core.meet([] if item in alone.core.catalog.rows else [item], ts)
        delivery = Delivery("reviews" if k % 3 == 0 else "clicks", k)
        applied = alone.core.apply(states.get(user, EMPTY), event, delivery, None)
        states[user] = applied.state
    assert pack_counters(world.recommender.counters) == pack_counters(alone.core.counters)
    for user, state in states.items():
        (raw,) = await world.store.states([user])
        stored = user_state_codec.decode(raw)
        assert user_state_codec.encode(replace(stored, offsets={})) == user_state_codec.encode(
            replace(state, offsets={})
        )
    lines = log.getvalue().splitlines()
    assert [decode(line, START_MS + 40_000, Settings().events).event_id for line in lines] == [
        f"e{k}" for k in range(40)
    ]


async def test_a_slate_that_was_shown_and_answered_becomes_a_lesson() -> None:
    world = world_of(Small(30).core)
    await world.deliver(click(0, "ann", "i1", START_MS))
    shown = await world.read("ann", 4)
    await world.deliver(world.impression(shown, "ann", "shown-1"))
    item = shown.items[2].item_id
    await world.deliver(click(1, "ann", item, START_MS + 5, slate_id=shown.slate.slate_id, position=2))
    world.clock.advance(10 + world.settings.learning.wait_ms)
    await world.deliver(click(2, "ann", "i9", world.clock.ms))
    world.recommender.learn_closed()
    counts = world.recommender.learner.counts()
    assert (counts["answered"], counts["silent"]) == (1, 0)
    assert world.recommender.counters.popularity.shown.sum() == 4


async def test_known_users_have_a_feed_from_the_beginning() -> None:
    small = Small(30, ARMS)
    small.act("ann", 3)
    small.act("bob", 4)
    world = world_of(small.core)
    await world.begin(small.states)
    shown = await world.read("bob", 3)
    assert shown.own == 3
    assert shown.slate.arm == "short"
    assert "i4" not in [item.item_id for item in shown.items]
    (raw,) = await world.store.states(["ann"])
    assert user_state_codec.decode(raw).offsets == {}


async def test_what_a_worker_would_not_take_is_raised() -> None:
    world = world_of(Small(30).core)
    with pytest.raises(EventError, match="ahead of the clock"):
        await world.deliver(click(0, "ann", "i1", START_MS + 10_000_000))
    with pytest.raises(EventError, match="expected one of"):
        await world.deliver(click(0, "ann", "i1", START_MS, action="wave"))
    odd = Impression(
        event_id="x", ts=START_MS, user_id="ann", slate_id="s", items=["i1", "i2"], propensities=[0.5]
    )
    with pytest.raises(EventError, match="1 propensities for 2 items"):
        await world.deliver(odd)
    assert world.folded == 0
