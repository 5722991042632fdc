"""What is seeded is what a worker finds."""

from __future__ import annotations

import numpy as np
import pytest
from msgspec.structs import replace

from model.errors import StoreError
from streams.bench.synthetic import catalogue, warm_core
from streams.clock import ManualClock
from streams.demo.seed import seed
from streams.ranking import slate as stored_slate
from streams.serving.replica import Replica
from streams.settings.tree import Settings
from streams.state import user_state_codec
from streams.stores.memory import MemoryStore

NOW_MS = 1_763_934_000_000
SETTINGS = Settings()


async def test_a_worker_starts_where_the_warm_core_stood() -> None:
    records = catalogue(60, 64, NOW_MS, seed=1)
    core, states = warm_core(SETTINGS, records, users=7, events=300, now_ms=NOW_MS, seed=1)
    store, clock = MemoryStore(), ManualClock(NOW_MS)
    await seed(store, core, states, records, clock, "words ab cd")

    assert await store.text_encoder() == "words ab cd"
    replica = Replica(SETTINGS, store, clock)
    replica.texts_by = "words ab cd"
    await replica.rebuild()
    found = replica.recommender
    assert found.catalog.ids == core.catalog.ids
    np.testing.assert_array_equal(found.catalog.text[:60], core.catalog.text[:60])
    assert found.counters.interactions == 300
    raw = await store.states(list(states))
    stored = {user: user_state_codec.decode(each) for user, each in zip(states, raw, strict=True)}
    for user, state in states.items():
        assert stored[user].offsets == {}
        bare = user_state_codec.encode(replace(state, offsets={}, recent=()))
        assert user_state_codec.encode(stored[user]) == bare
    ranked, expected = (
        each.recommend(
            [each.request(state, NOW_MS, rung="counters", user=user) for user, state in users.items()]
        )
        for each, users in ((found, stored), (core, states))
    )
    assert [slate.items for slate in ranked] == [slate.items for slate in expected]


async def test_every_user_has_a_feed_from_the_start() -> None:
    records = catalogue(30, 64, NOW_MS, seed=1)
    core, states = warm_core(SETTINGS, records, users=3, events=40, now_ms=NOW_MS, seed=1)
    store = MemoryStore()
    await seed(store, core, states, records, ManualClock(NOW_MS), "")
    for user in states:
        raw = await store.feed(user)
        assert raw is not None
        assert stored_slate.decode(raw).items


async def test_a_store_in_use_is_left_alone() -> None:
    records = catalogue(30, 64, NOW_MS, seed=1)
    core, states = warm_core(SETTINGS, records, users=3, events=40, now_ms=NOW_MS, seed=1)
    store = MemoryStore()
    await store.intern(["somebody-elses"])
    with pytest.raises(StoreError, match="holds other items already"):
        await seed(store, core, states, records, ManualClock(NOW_MS), "")
    assert await store.snapshot() is None
