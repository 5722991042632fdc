"""A state that another worker wrote may name items that this one has not met yet."""

from __future__ import annotations

from streams.clock import ManualClock
from streams.events.schema import Click
from streams.serving.replica import Replica
from streams.settings.tree import Settings
from streams.state import user_state_codec
from streams.state.fold import Delivery
from streams.state.user_state import EMPTY, newest_row
from streams.stores.memory import MemoryStore
from tests.streams.worker.conftest import Desk, click


async def test_a_state_from_another_worker_makes_its_items_known() -> None:
    store, clock = MemoryStore(), ManualClock(1_000)
    here, there = Replica(Settings(), store, clock), Replica(Settings(), store, clock)
    await there.meet(["a", "b", "c"])
    click = Click(event_id="1", ts=1_000, user_id="u", item_id="c")
    state = there.recommender.apply(EMPTY, click, Delivery("clicks", 0), None).state

    await here.know(newest_row([EMPTY, state]))

    assert here.recommender.catalog.ids == ["a", "b", "c"]
    next_click = Click(event_id="2", ts=2_000, user_id="u", item_id="a")
    applied = here.recommender.apply(state, next_click, Delivery("clicks", 1), None)
    assert applied.interaction is not None
    assert applied.interaction.previous.tolist() == [2]


async def test_known_states_ask_the_store_for_nothing() -> None:
    class Silent(MemoryStore):
        async def interned(self, first: int) -> list[str]:
            raise AssertionError(f"asked for the items from {first} on")

    replica = Replica(Settings(), Silent(), ManualClock(1_000))
    await replica.meet(["a"])
    click = Click(event_id="1", ts=1_000, user_id="u", item_id="a")
    state = replica.recommender.apply(EMPTY, click, Delivery("clicks", 0), None).state
    await replica.know(newest_row([state]))
    assert len(replica.recommender.catalog) == 1


async def test_a_worker_takes_over_a_user_whose_items_it_has_never_heard_of() -> None:
    """The other worker met an item and wrote the state after this one last read the ledger."""
    store = MemoryStore()
    here, there = Desk(store), Desk(store)
    await here.take(click(0, "bob"))
    await there.take(click(0, item="known-there-alone", partition=1))
    assert "known-there-alone" not in here.replica.recommender.catalog.rows

    await here.take(click(1, partition=1))  # of an item that it knows

    assert not here.box.letters
    (raw,) = await store.states(["ann"])
    assert user_state_codec.decode(raw).interactions == 2
    rows = here.replica.recommender.catalog.rows
    pairs = here.replica.recommender.counters.pairs
    assert pairs.length[rows["known-there-alone"]] == 1
