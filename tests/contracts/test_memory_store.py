"""The store in memory keeps the contract."""

from __future__ import annotations

import pytest

from streams.clock import ManualClock
from streams.learning.settings import LearningSettings
from streams.state.user_state import StateSettings
from streams.stores.base import Store
from streams.stores.commit import Commit
from streams.stores.memory import MemoryStore
from tests.contracts.store_contract import MARGIN_MS, MakeStore, StoreContract, batch


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def make_store(self) -> MakeStore:
        made: list[MemoryStore] = []

        def make(state: StateSettings = StateSettings(), ledger_margin_ms: int = MARGIN_MS) -> Store:
            if not made:
                made.append(MemoryStore(state, ledger_margin_ms=ledger_margin_ms))
            return made[0]

        return make


async def test_it_goes_by_the_clock_it_is_given() -> None:
    clock = ManualClock(1_000)
    store = MemoryStore(StateSettings(ttl_days=1), clock)
    assert await store.commit(batch(states={"u": b"s"}, ledger=b"e"), "w") == "1000-0"
    assert await store.commit(batch(ledger=b"e"), "w") == "1000-1"
    clock.advance(86_400_000 - 1)
    assert await store.states(["u"]) == [b"s"]
    clock.advance(1)
    assert await store.states(["u"]) == [None]


async def test_kept_slates_expire_by_a_time_of_their_own() -> None:
    clock = ManualClock(1_000)
    store = MemoryStore(clock=clock, learning=LearningSettings(wait_s=60.0, keep_s=7_200.0))
    await store.commit(Commit({}, {}, {"u": b"s"}, {}, {}, slates={"u": b"k"}), "w")
    clock.advance(7_200_000 - 1)
    assert await store.load(["u"], [], ["u"]) == ([b"s"], {}, [b"k"], {})
    clock.advance(1)
    assert await store.load(["u"], [], ["u"]) == ([b"s"], {}, [None], {})


async def test_positions_grow_when_the_clock_steps_back() -> None:
    clock = ManualClock(1_000)
    store = MemoryStore(clock=clock)
    await store.commit(batch(ledger=b"e"), "w")
    clock.advance(-500)
    assert await store.commit(batch(ledger=b"e"), "w") == "1000-1"
