"""A process serves what the registry says once it can: models first, slates after."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from model.errors import StoreUnavailableError
from streams.clock import ManualClock
from streams.experiments.assignment.assignment import DEFAULT
from streams.experiments.registry import changes
from streams.experiments.registry.state import Registry, decode, encode
from streams.ranking import slate as stored_slate
from streams.serving.experiments import ServedExperiments
from streams.serving.live import open_live
from streams.settings.reading import override
from streams.settings.tree import Settings
from streams.stores.commit import digest_of
from streams.stores.memory import MemoryStore
from tests.connected.events_on_kafka import eventually
from tests.streams.experiments.declarations import raw, running
from tests.streams.worker.conftest import NOW_MS, Desk, click

SHORT = raw({"plain": {}, "short": {"stages": {"feed": {"size": 3}}}})


@pytest.fixture
def settings(tmp_path: Path, three_models: Path) -> Settings:
    shutil.copytree(three_models, tmp_path / "models")
    return override(Settings(), {"model": {"registry": str(tmp_path / "models"), "active": "first"}})


async def put(store: MemoryStore, registry: Registry) -> None:
    await store.put_experiments(encode(registry), digest_of(await store.experiments()), b"entry")


def arms(desk: Desk, users: int = 40) -> set[str]:
    return {desk.replica.recommender.arms.assignment.arms(f"u{n}") for n in range(users)}


async def test_a_worker_makes_slates_by_the_arms_of_its_users() -> None:
    store = MemoryStore()
    desk = Desk(store)
    experiments = ServedExperiments(store, desk.replica, desk.models)
    await desk.take(*(click(n, f"u{n % 20}", f"item-{n % 15}") for n in range(60)))
    await put(store, running(e=SHORT))
    await experiments.turn()
    await desk.take(*(click(60 + n, f"u{n}", "item-20") for n in range(20)))
    feeds = (await store.read_feeds([f"u{n}" for n in range(20)])).feeds
    slates = [stored_slate.decode(each) for each in feeds if each is not None]
    assert len(slates) == 20
    assert {slate.arm for slate in slates} == {"e=plain", "e=short"}
    assert all((len(slate.items) == 3) == (slate.arm == "e=short") for slate in slates)
    kept = await store.load([], [], ["u1"])
    assert kept.slates[0] is not None
    assert slates[1].arm.encode() in kept.slates[0], "lessons and impressions are told the arm"


async def test_arms_stay_in_force_when_the_counters_are_read_anew() -> None:
    store = MemoryStore()
    desk = Desk(store)
    experiments = ServedExperiments(store, desk.replica, desk.models)
    await put(store, running(e=SHORT))
    await experiments.turn()
    before = desk.replica.recommender
    async with desk.replica.lock:
        await desk.replica.rebuild()
    assert desk.replica.recommender is not before
    assert arms(desk) == {"e=plain", "e=short"}


async def test_an_experiment_waits_for_its_models(settings: Settings) -> None:
    store = MemoryStore()
    async with open_live(settings, store, ManualClock(NOW_MS), texts=False) as live:
        core, experiments = live.recommender, live.experiments
        registry = running(e=raw({"now": {}, "next": {"model": "second"}}), other=SHORT | {"layer": "x"})
        await put(store, registry)
        await experiments.turn()
        assert {text.partition("=")[0] for text in map(core.arms.assignment.arms, "abcdefgh")} == {"other"}
        assert "model 'second' is being loaded" in experiments.said
        assert live.models.mending is not None
        await live.models.mending
        await experiments.turn()
        assert experiments.said == ""
        assert live.models.beside == ["second"]
        assert all("e=" in core.arms.assignment.arms(user) for user in "abcdefgh")
        assert core.arms.of("e=next", "full").model == "second"
        await put(store, changes.stopped(registry, "e", 9).registry)
        await experiments.turn()
        assert live.models.beside == []
        assert "second" not in core.pipeline.models.named


async def test_one_whose_model_is_not_there_stays_out_and_the_others_run(settings: Settings) -> None:
    store = MemoryStore()
    await put(store, running(e=raw({"now": {}, "next": {"model": "fourth"}}), other=SHORT | {"layer": "x"}))
    async with open_live(settings, store, ManualClock(NOW_MS), read_only=True, texts=False) as live:
        assert "experiment e is not served: model 'fourth' is being loaded: " in live.experiments.said
        assert live.recommender.arms.assignment.arms("ann").startswith("other=")
        await put(store, running(e=raw({"now": {}, "next": {"model": "third"}})))
        await eventually(lambda: live.recommender.arms.assignment.arms("ann").startswith("e="))


async def test_models_are_loaded_before_it_opens(settings: Settings) -> None:
    store = MemoryStore()
    await put(store, running(e=raw({"now": {}, "next": {"model": "second"}})))
    async with open_live(settings, store, ManualClock(NOW_MS), texts=False) as live:
        assert live.recommender.arms.assignment.arms("ann").startswith("e=")


async def test_what_this_build_cannot_serve_is_left_out_and_said() -> None:
    store = MemoryStore()
    desk = Desk(store)
    experiments = ServedExperiments(store, desk.replica, desk.models)
    registry = running(e=raw({"a": {}, "b": {"stages": {"feed": {"sise": 3}}}}), other=SHORT)
    await put(store, registry)
    await experiments.turn()
    assert "feed.sise" in experiments.said
    assert {text.partition("=")[0] for text in arms(desk)} == {"other"}


async def test_experiments_that_cannot_be_read_go_on_as_they_were() -> None:
    store = MemoryStore()
    desk = Desk(store)
    experiments = ServedExperiments(store, desk.replica, desk.models)
    await put(store, running(e=SHORT))
    await experiments.turn()
    was = arms(desk)
    await store.put_experiments(b"{", digest_of(await store.experiments()), b"entry")
    await experiments.turn()
    assert "can't be read" in experiments.said
    assert arms(desk) == was != {DEFAULT}
    assert decode(None).experiments == {}


async def test_a_store_that_is_away_is_waited_for() -> None:
    class Away(MemoryStore):
        away, asked = True, 0

        async def experiments(self) -> bytes | None:
            self.asked += 1
            if self.away:
                raise StoreUnavailableError("no answer")
            return await super().experiments()

    store = Away()
    desk = Desk(store)
    experiments = ServedExperiments(store, desk.replica, desk.models)
    following = asyncio.create_task(experiments.run(0.001))
    try:
        await eventually(lambda: store.asked >= 2)
        store.away = False
        await put(store, running(e=SHORT))
        await eventually(lambda: arms(desk) == {"e=plain", "e=short"})
    finally:
        following.cancel()
        await asyncio.wait([following])
