"""A store that would forget is said once, shown, counted, and refused where that is asked for."""

from __future__ import annotations

import logging

import pytest

from model.errors import StoreUnavailableError, StoreUnfitError
from streams.settings.connections import RedisSettings
from streams.stores.condition import SOUND, Condition
from streams.stores.memory import MemoryStore
from streams.worker.metrics import WorkerMetrics
from streams.worker.store_watch import StoreWatch

EVICTS = SOUND._replace(policy="allkeys-lru")
REPLICA = SOUND._replace(role="slave")


class Told(MemoryStore):
    """In the condition that it is told."""

    now: Condition = SOUND
    asked = 0

    async def condition(self) -> Condition:
        self.asked += 1
        return self.now


class Watched:
    def __init__(self, strict: bool = False) -> None:
        self.store, self.metrics, self.s = Told(), WorkerMetrics(), 0.0
        self.watch = StoreWatch(RedisSettings(strict=strict), self.store, self.metrics, lambda: self.s)

    def counted(self, kind: str) -> float | None:
        return self.metrics.registry.get_sample_value("headrace_worker_store_concern", {"kind": kind})


async def test_a_sound_store_is_nothing_to_speak_of(caplog: pytest.LogCaptureFixture) -> None:
    watched = Watched(strict=True)
    assert watched.counted("eviction") == 0
    await watched.watch.check()
    assert not watched.watch.trouble
    assert not watched.watch.warning
    assert not caplog.records


async def test_eviction_is_said_once_until_it_changes(caplog: pytest.LogCaptureFixture) -> None:
    watched, caplog_level = Watched(), logging.INFO
    caplog.set_level(caplog_level)
    watched.store.now = EVICTS
    await watched.watch.check()
    await watched.watch.look()
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "allkeys-lru" in watched.watch.warning
    assert not watched.watch.trouble
    assert watched.counted("eviction") == 1
    watched.store.now = EVICTS._replace(policy="volatile-lru")
    await watched.watch.look()
    watched.store.now = SOUND
    await watched.watch.look()
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING", "INFO"]
    assert not watched.watch.warning
    assert watched.counted("eviction") == 0


async def test_where_strict_it_does_not_start_and_later_is_not_ready() -> None:
    watched = Watched(strict=True)
    watched.store.now = EVICTS
    with pytest.raises(StoreUnfitError, match=r"allkeys-lru.*redis\.strict"):
        await watched.watch.check()
    watched = Watched(strict=True)
    await watched.watch.check()
    watched.store.now = EVICTS
    await watched.watch.look()
    assert "allkeys-lru" in watched.watch.trouble
    watched.store.now = SOUND
    await watched.watch.look()
    assert not watched.watch.trouble


async def test_no_persistence_is_said_and_starts_even_where_strict() -> None:
    watched = Watched(strict=True)
    watched.store.now = SOUND._replace(appendonly=False, saves=False)
    await watched.watch.check()
    assert "keeps nothing on disk" in watched.watch.warning
    assert watched.counted("persistence") == 1


@pytest.mark.parametrize("condition", [REPLICA, SOUND._replace(loading=True)])
async def test_what_passes_is_waited_for(condition: Condition) -> None:
    watched = Watched()
    watched.store.now = condition
    with pytest.raises(StoreUnavailableError):
        await watched.watch.check()
    assert watched.watch.trouble
    watched.store.now = SOUND
    await watched.watch.check()
    assert not watched.watch.trouble


async def test_it_looks_every_minute_and_all_the_time_while_something_is_in_the_way() -> None:
    watched = Watched()
    await watched.watch.turn()
    for watched.s in (1.0, 30.0, 59.0):
        await watched.watch.turn()
    assert watched.store.asked == 1
    watched.store.now, watched.s = REPLICA, 60.0
    await watched.watch.turn()
    for watched.s in (61.0, 62.0):
        await watched.watch.turn()
    assert watched.store.asked == 4
    watched.store.now, watched.s = SOUND, 63.0
    await watched.watch.turn()
    assert not watched.watch.trouble
    watched.s = 64.0
    await watched.watch.turn()
    assert watched.store.asked == 5
