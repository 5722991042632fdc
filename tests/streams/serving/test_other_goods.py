"""A model of films among packages: said once, where people look."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from export.registry import Registry
from streams.serving import other_goods as module
from tests.streams.serving.test_models import World
from tests.streams.worker.conftest import click


class Heard(World):
    """Keeps what the watcher is warned of."""

    def __init__(self, registry: Registry) -> None:
        super().__init__(registry)
        self.warnings: list[str] = []
        self.told.warned = self.warnings.append  # type: ignore[method-assign]


@pytest.fixture
def world(three_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Heard:
    monkeypatch.setattr("streams.serving.models.LOOK_EVERY_S", 0.0)
    monkeypatch.setattr(module, "EVENTS_LEAST", 20)
    monkeypatch.setattr(module, "ITEMS_LEAST", 10)
    shutil.copytree(three_models, tmp_path / "models")
    return Heard(Registry(tmp_path / "models"))


async def after(world: Heard, *items: str) -> str:
    """What is wrong once somebody has met these."""
    begun = world.events if hasattr(world, "events") else 0
    world.events = begun + len(items)
    await world.desk.take(*(click(100 + begun + n, f"u{n % 3}", item) for n, item in enumerate(items)))
    model = world.replica.recommender.pipeline.models.active
    assert model is not None
    model.refresh(world.replica.recommender.catalog)
    await world.models.mend()
    return world.models.said


async def test_a_model_of_other_goods_is_told_once(world: Heard) -> None:
    await world.start()
    assert await after(world, *(f"item-{n % 6}" for n in range(20))) == ""
    said = await after(world, *(f"package-{n}" for n in range(400)))
    assert "model 'first' seems to be of another catalogue: 6% of the events here" in said
    await world.models.mend()
    assert world.warnings == [said]
    assert await after(world, *(f"item-{n % 6}" for n in range(40))) == ""
