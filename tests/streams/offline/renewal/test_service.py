"""Renewals all but the training: a better model is promoted, a worse one is kept and not activated."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import msgspec
import pytest

from export.manifest import Manifest, write_manifest
from export.parity import Parity
from export.registry import Registry
from model.errors import StoreUnavailableError
from model.schema import Schema
from streams.clock import ManualClock
from streams.examples.folder import LEARN, WHOLE
from streams.experiments.registry import changes
from streams.offline.renewal import service
from streams.offline.renewal.renewal_state import RenewalState, load_state
from streams.offline.renewal.service import Renewal
from streams.serving.experiment_registry import models_named
from streams.settings.models import RenewalSettings
from streams.settings.ranking import ArmSettings
from streams.settings.tree import Settings
from streams.stores.memory import MemoryStore
from tests.streams.experiments.declarations import experiment, raw, running
from tests.streams.offline.renewal.logged import log

NOW_MS = 1_700_000_000_000
PARITY = msgspec.convert(dict.fromkeys(Parity.__struct_fields__, 0), Parity, strict=False)


def register(registry: Registry, name: str, created_ms: int, **training: object) -> None:
    with registry.adding(name) as folder:
        write_manifest(
            folder,
            Manifest(
                name=name, created_ms=created_ms, model_schema=Schema((), (), ()), files={},
                text_encoder=None, parity=PARITY, training=training, counters={}, versions={},
            ),
        )  # fmt: skip


class World:
    """A registry with the model "first", a store where it is active, and examples enough for one renewal."""

    def __init__(self, folder: Path, verdict: str = "better", keep_models: int = 5) -> None:
        self.registry, self.examples = Registry(folder / "models"), folder / "examples"
        self.store, self.clock = MemoryStore(), ManualClock(NOW_MS)
        self.settings = Settings(
            renewal=RenewalSettings(examples_min=20, judge_min=5, keep_models=keep_models)
        )
        self.verdict, self.confirmed, self.trained = verdict, True, list[tuple[str, str]]()
        self.rounds: asyncio.Queue[str] = asyncio.Queue()
        register(self.registry, "first", 1, to_ms=1_000)
        self.log(0)

    def log(self, number: int) -> None:
        begin_ms = 2_000 + 1_000 * number
        log(self.examples, LEARN, number, begin_ms, 30)
        log(self.examples, WHOLE, number, begin_ms + 500, 10)

    def renewal(self) -> Renewal:
        return Renewal(
            self.settings, self.registry, self.examples, self.in_force, self.promote, self.train, self.clock
        )

    async def in_force(self) -> str:
        return await self.store.active_model() or ""

    async def promote(self, name: str) -> bool:
        if self.confirmed:
            await self.store.activate(name)
        return self.confirmed

    async def train(self, parent: str, name: str) -> bool:
        self.trained.append((parent, name))
        self.rounds.put_nowait(name)
        if self.verdict == "failed":
            return False
        register(
            self.registry, name, self.clock.now_ms(), parent=parent, to_ms=2_290, verdict=self.verdict,
            ndcg10_difference=[0.01, 0.001], judged=10,
        )  # fmt: skip
        return True


@pytest.fixture
async def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    await world.store.activate("first")
    return world


NEW = "renewed-20231114-221320"


async def test_a_better_model_is_promoted(world: World) -> None:
    assert await world.renewal().once() == "promoted"
    assert world.trained == [("first", NEW)]
    assert await world.store.active_model() == world.registry.newest() == NEW
    assert load_state(world.registry.folder) == RenewalState(NOW_MS)


@pytest.mark.parametrize("verdict", ["worse", "no better"])
async def test_one_that_is_not_is_kept_and_not_activated(
    world: World, verdict: str, caplog: pytest.LogCaptureFixture
) -> None:
    world.verdict = verdict
    with caplog.at_level(logging.INFO):
        assert await world.renewal().once() == "kept"
    assert await world.store.active_model() == "first"
    assert world.registry.names() == ["first", NEW]
    assert world.registry.newest() == "first"  # a worker that starts without an order takes this one
    assert f"{NEW!r} is {verdict} than 'first'" in caplog.text
    # The next one begins at the model in force again.
    world.clock.advance(1_000)
    await world.renewal().once()
    assert [parent for parent, _ in world.trained] == ["first", "first"]


async def test_too_little_is_waited_for(world: World) -> None:
    register(world.registry, "second", 2, to_ms=2_290)
    await world.store.activate("second")
    assert await world.renewal().once() == "waiting"
    assert world.trained == []
    world.log(1)
    assert await world.renewal().once() == "promoted"
    assert [parent for parent, _ in world.trained] == ["second"]


async def test_without_a_model_there_is_nothing_to_renew(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.registry.delete("first")
    assert await world.renewal().once() == "no model"


async def test_a_training_that_fails_changes_nothing(world: World) -> None:
    world.verdict = "failed"
    assert await world.renewal().once() == "failed"
    assert await world.store.active_model() == "first"
    assert load_state(world.registry.folder) == RenewalState(NOW_MS)


async def test_an_order_that_was_not_confirmed_is_given_again_after_a_restart(world: World) -> None:
    world.confirmed = False
    assert await world.renewal().once() == "ordered"
    assert load_state(world.registry.folder) == RenewalState(NOW_MS, NEW, "first")
    world.confirmed = True
    assert await world.renewal().once() == "promoted"
    assert len(world.trained) == 1
    assert await world.store.active_model() == NEW


async def test_an_order_is_not_given_over_another_ones_head(world: World) -> None:
    world.confirmed = False
    await world.renewal().once()
    register(world.registry, "chosen", 2, to_ms=9_000)
    await world.store.activate("chosen")
    world.confirmed = True
    assert await world.renewal().once() == "waiting"
    assert await world.store.active_model() == "chosen"


async def test_only_the_last_models_are_kept_with_the_one_in_force(tmp_path: Path) -> None:
    world = World(tmp_path, verdict="worse", keep_models=2)
    await world.store.activate("first")
    for _ in range(4):
        await world.renewal().once()
        world.clock.advance(60_000)
    assert world.registry.names() == ["first", "renewed-20231114-221520", "renewed-20231114-221620"]


async def test_a_model_that_an_arm_names_is_kept(tmp_path: Path) -> None:
    world = World(tmp_path, verdict="worse", keep_models=1)
    world.settings = msgspec.structs.replace(
        world.settings, arms={"calm": ArmSettings("tried"), "usual": ArmSettings()}
    )
    register(world.registry, "old", 2)
    register(world.registry, "tried", 3)
    await world.store.activate("first")
    for _ in range(2):
        await world.renewal().once()
        world.clock.advance(60_000)
    assert world.registry.names() == ["first", "renewed-20231114-221420", "tried"]


async def test_models_that_experiments_name_are_kept_until_they_stop(tmp_path: Path) -> None:
    world = World(tmp_path, verdict="worse", keep_models=1)
    of_file = experiment("file", {"a": {}, "b": {"model": "of-file"}})
    world.settings = msgspec.structs.replace(world.settings, experiments={"file": of_file})
    tried = raw({"a": {}, "b": {"model": "tried"}})
    registry = running(one=tried)
    for name in ("old", "tried", "of-file"):
        register(world.registry, name, 2)
    await world.store.activate("first")

    async def named() -> frozenset[str]:
        return models_named(registry)

    renewal = world.renewal()
    renewal._named = named
    await renewal.once()
    assert {"first", "tried", "of-file"} <= set(world.registry.names())
    assert "old" not in world.registry.names()
    registry = changes.stopped(registry, "one", 2).registry
    world.clock.advance(60_000)
    await renewal.once()
    assert "tried" not in world.registry.names()
    assert "of-file" in world.registry.names()


class Looking:
    """A service that runs; `rests`: for how many seconds it waits then, whenever it has seen what is due."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        renewal = world.renewal()
        wait, self.rests, self._stopped = renewal._wait, asyncio.Queue[float](), asyncio.Event()

        async def noted(due_s: float, stopped: asyncio.Event) -> None:
            self.rests.put_nowait(due_s)
            await wait(due_s, stopped)

        monkeypatch.setattr(renewal, "_wait", noted)
        self._serving = asyncio.create_task(renewal.serve(3_600.0, self._stopped))

    async def until_nothing_is_due(self) -> None:
        async with asyncio.timeout(60):
            while await self.rests.get() < 3_000:
                pass

    async def stop(self) -> None:
        self._stopped.set()
        await self._serving


async def test_the_service_renews_when_it_is_due_and_stops_when_it_is_asked(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "LOOK_EVERY_S", 0.001)
    world.verdict = "worse"
    # Due at first, and not yet after a restart; an hour later it is again.
    for trained, hours in ((1, 0), (1, 0), (2, 1)):
        world.clock.advance(hours * 3_600_000)
        service_ = Looking(world, monkeypatch)
        await service_.until_nothing_is_due()
        assert len(world.trained) == trained
        await service_.stop()


async def test_a_store_that_is_away_is_waited_for(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(service, "LOOK_EVERY_S", 0.001)
    real, away = world.in_force, [True]

    async def in_force() -> str:
        if away:
            away.pop()
            raise StoreUnavailableError("no answer")
        return await real()

    monkeypatch.setattr(world, "in_force", in_force)
    stopped = asyncio.Event()
    serving = asyncio.create_task(world.renewal().serve(3_600.0, stopped))
    await world.rounds.get()
    stopped.set()
    await serving
    assert "no renewal: no answer" in caplog.text
