"""Several models in one process: the active one, and those that arms name."""

from __future__ import annotations

import asyncio
import logging
import shutil
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from export.loaded import load_model
from export.registry import Registry
from model.errors import ModelError
from streams.events.schema import Item
from streams.ranking.model_in_service import ModelInService
from streams.serving.loading import load_in_service
from streams.serving.model_watcher import LogOnly
from streams.serving.models import RegistryModels
from streams.serving.replica import Replica
from streams.settings.reading import override
from streams.settings.tree import Settings
from streams.stores.memory import MemoryStore
from tests.streams.worker.conftest import NOW_MS, Desk, click, message


class Told(LogOnly):
    """What a watcher is told."""

    def __init__(self) -> None:
        self.in_service: dict[str, str] = {}
        self.failed: list[str] = []
        self.fallbacks: Counter[str] = Counter()

    def served(self, name: str, provider: str) -> None:
        self.in_service[name] = provider

    def left(self, name: str, provider: str) -> None:
        assert self.in_service.pop(name) == provider

    def not_loaded(self, name: str) -> None:
        self.failed.append(name)

    def fell_back_to_active(self, name: str, times: int) -> None:
        self.fallbacks[name] += times


@pytest.fixture
def registry(three_models: Path, tmp_path: Path) -> Registry:
    """One that a test may spoil."""
    shutil.copytree(three_models, tmp_path / "models")
    return Registry(tmp_path / "models")


class World:
    """A worker's core after a few events, with models of a registry; "first" is active."""

    def __init__(self, registry: Registry, **arms: str) -> None:
        named: dict[str, Any] = {name: {"model": model} for name, model in arms.items()}
        model = {"registry": str(registry.folder), "active": "first"}
        self.settings = override(Settings(), {"arms": named, "model": model})
        self.registry, self.store, self.told = registry, MemoryStore(), Told()
        self.desk = Desk(self.store, self.settings)
        self.models = RegistryModels(self.settings, self.store, self.replica, self.told)

    @property
    def replica(self) -> Replica:
        return self.desk.replica

    @property
    def in_service(self) -> dict[str, ModelInService]:
        return self.replica.recommender.pipeline.models.named

    async def start(self) -> None:
        await self.desk.take(*(click(n, f"u{n % 3}", f"item-{n}") for n in range(6)))
        await self.models.start()

    async def activate(self, name: str) -> None:
        await self.models.activated(name)
        assert self.models.loading is not None
        await self.models.loading

    def tell(self) -> None:
        """What a batch tells of the requests that it made."""
        self.models.fell_back(self.replica.recommender.pipeline.models.missed())

    def ask(self, name: str) -> str:
        """The name of the model that serves a request that names this one."""
        model = self.replica.recommender.pipeline.models.of(name)
        return "" if model is None else model.name


async def test_each_model_that_an_arm_names_is_in_service_beside_the_active_one(registry: Registry) -> None:
    world = World(registry, usual="", calm="second", bold="second", same="first")
    await world.start()
    assert world.models.name == "first"
    assert world.models.beside == ["first", "second"], "and no other one of the registry"
    assert world.in_service["first"] is world.replica.recommender.pipeline.models.active, "loaded once"
    assert [world.ask(name) for name in ("", "first", "second")] == ["first", "first", "second"]
    assert world.told.in_service == {"first": "compiled", "second": "compiled"}
    assert world.models.facts()["beside"] == ["first", "second"]
    world.tell()
    assert (world.told.fallbacks, world.models.said) == (Counter(), "")


async def test_an_arms_model_outlives_every_activation(registry: Registry) -> None:
    world = World(registry, same="first", calm="second")
    await world.start()
    first, second = world.in_service["first"], world.in_service["second"]
    for name in ("third", "second", "first"):
        await world.activate(name)
        assert (world.models.name, world.models.beside) == (name, ["first", "second"])
        assert (world.in_service["first"], world.in_service["second"]) == (first, second)
        assert [world.ask(each) for each in ("", "first", "second")] == [name, "first", "second"]
        assert world.told.in_service.keys() == {name, "first", "second"}
        assert await world.store.active_model() == name
    assert world.replica.recommender.pipeline.models.active is first


async def test_a_model_that_no_arm_names_leaves(registry: Registry) -> None:
    world = World(registry, calm="second")
    await world.start()
    await world.activate("third")
    assert world.told.in_service.keys() == {"third", "second"}
    assert world.ask("first") == "third"


async def test_what_is_in_memory_needs_no_files(registry: Registry) -> None:
    """The folder is deleted: the arm goes on, and the model may even be activated."""
    world = World(registry, calm="second")
    await world.start()
    shutil.rmtree(registry.get("second"))
    assert world.ask("second") == "second"
    await world.activate("second")
    assert (world.models.name, world.models.trouble) == ("second", "")


async def test_one_that_vanished_is_served_by_the_active_one_counted_and_said_once(
    registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    world = World(registry, calm="second", bold="third")
    shutil.rmtree(registry.get("second"))
    with caplog.at_level(logging.ERROR):
        await world.start()
        assert (world.models.beside, list(world.models.missing)) == (["third"], ["second"])
        for _ in range(3):
            assert [world.ask("second"), world.ask("third")] == ["first", "third"]
            async with world.replica.lock:
                await world.models.swap()
            world.tell()
    assert world.told.fallbacks == {"second": 3}
    assert world.told.failed == ["second"]
    assert "second, which an arm names, is not in service: no model 'second'" in world.models.said
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 2
    assert "'second', which an arm names, can't be loaded: no model 'second'" in said[0]
    assert "'second' is not in service (no model 'second'" in said[1]
    assert "'first' makes the slates of the arms that name it" in said[1]


async def test_one_that_is_broken_is_missing_too_and_comes_when_it_is_mended(
    registry: Registry, three_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(registry, calm="second")
    manifest = registry.get("second") / "manifest.json"
    manifest.write_bytes(manifest.read_bytes()[:-9])
    await world.start()
    assert world.ask("second") == "first"
    await world.models.mend()
    await world.models.close()
    assert world.told.failed == ["second"], "it is not tried all the time"
    shutil.copy(three_models / "second" / "manifest.json", manifest)
    monkeypatch.setattr("streams.serving.models.TRY_AGAIN_AFTER_S", 0.0)
    await world.models.mend()
    assert world.models.mending is not None
    await world.models.mending
    assert (world.ask("second"), world.models.missing, world.models.said) == ("second", {}, "")
    await world.models.mend()


async def test_one_that_was_taken_out_of_service_falls_back(registry: Registry) -> None:
    world = World(registry, calm="second")
    await world.start()
    del world.replica.recommender.pipeline.models.named["second"]
    assert world.ask("second") == "first"
    world.tell()
    assert world.told.fallbacks == {"second": 1}


async def test_the_active_one_must_be_there(registry: Registry) -> None:
    shutil.rmtree(registry.get("first"))
    with pytest.raises(ModelError, match="no model 'first'"):
        await World(registry, calm="second").start()


async def test_all_of_them_know_new_and_changed_items(registry: Registry) -> None:
    """Those that came while a model was loaded, those that came later, and those that were changed."""
    world = World(registry, same="first", calm="second")
    await world.start()
    events = [
        Item(event_id=f"a{n}", ts=NOW_MS - 9 + n, item_id=f"item-{n}", title=f"T {n}", price=float(n))
        for n in range(3, 12)
    ]
    world.desk.batches.reader.encode = lambda texts: np.eye(64, dtype=np.float32)[: len(texts)]
    await world.desk.take(*(message(event, n) for n, event in enumerate(events[:4])))
    await world.activate("third")
    await world.desk.take(*(message(event, 4 + n) for n, event in enumerate(events[4:])))
    again = Item(event_id="again", ts=NOW_MS, item_id="item-0", title="Another", categories=["x"])
    await world.desk.take(message(again, 50))
    await world.desk.take(click(6, "u1", "item-11"))
    await assert_up_to_date(world)
    # And where the counters are read anew.
    world.replica.sound = False
    await world.desk.take(click(7, "u1", "item-2"))
    assert world.models.beside == ["first", "second"]
    await assert_up_to_date(world)


async def test_a_model_that_was_loaded_while_the_counters_were_read_anew_knows_the_new_items(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store was emptied meanwhile: the same rows mean other items."""
    world = World(registry, calm="second")
    await world.start()
    opening, go_on = threading.Event(), threading.Event()

    def slow(*arguments: Any, **more: Any) -> Any:
        opening.set()
        go_on.wait(30)
        return load_model(*arguments, **more)

    monkeypatch.setattr("streams.serving.model_loader.load_model", slow)
    await world.models.activated("third")
    await asyncio.to_thread(opening.wait, 30)
    MemoryStore.__init__(world.store)
    await world.store.intern([f"item-{n}" for n in reversed(range(12))])
    async with world.replica.lock:
        await world.replica.rebuild()
    go_on.set()
    assert world.models.loading is not None
    await world.models.loading
    core = world.replica.recommender
    for model in core.pipeline.models.all():
        model.refresh(core.catalog)
        fresh = load_in_service(registry.get(model.name), world.settings.model, core.pipeline.names)
        fresh.refresh(core.catalog)
        np.testing.assert_allclose(model.vectors[:12], fresh.vectors[:12], atol=1e-6)
    assert world.models.name == "third"


async def assert_up_to_date(world: World) -> None:
    core = world.replica.recommender
    assert [model.name for model in core.pipeline.models.all()] == ["third", "first", "second"]
    for model in core.pipeline.models.all():
        model.refresh(core.catalog)
        folder = world.registry.get(model.name)
        fresh = load_in_service(folder, world.settings.model, core.pipeline.names)
        fresh.refresh(core.catalog)
        items = len(core.catalog)
        assert model.known == items > 10
        np.testing.assert_allclose(model.vectors[:items], fresh.vectors[:items], atol=1e-6)
        np.testing.assert_allclose(model.keys[:items], fresh.keys[:items], atol=1e-6)


async def test_closing_ends_what_is_loading(registry: Registry) -> None:
    world = World(registry, calm="second")
    await world.start()
    await world.models.activated("third")
    loading = world.models.loading
    await world.models.close()
    assert loading is not None
    assert loading.cancelled()
