"""A model is loaded while batches go on, and knows all items once it has caught up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from export.registry import Registry
from model.errors import ModelError
from streams.serving.model_loader import ModelLoader
from streams.serving.model_watcher import LogOnly
from streams.settings.models import ModelSettings
from streams.stores.memory import MemoryStore
from tests.streams.worker.conftest import Desk, click


class Told(LogOnly):
    """Which providers a watcher is told of."""

    def __init__(self) -> None:
        self.fallbacks: list[tuple[str, str]] = []

    def fell_back(self, asked: str, got: str) -> None:
        self.fallbacks.append((asked, got))


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def loader(desk: Desk, three_models: Path, told: Told) -> ModelLoader:
    return ModelLoader(ModelSettings(), desk.replica, Registry(three_models), told)


async def test_it_knows_the_items_of_when_loading_began_and_then_the_later_ones(
    desk: Desk, loader: ModelLoader
) -> None:
    await desk.take(*(click(n, item=f"item-{n}") for n in range(4)))
    loaded = await loader.load("first")
    assert (loaded.model.name, loaded.model.known, loaded.provider) == ("first", 4, "compiled")
    await desk.take(*(click(n, item=f"item-{n}") for n in range(4, 7)))
    assert loaded.model.known == 4
    async with desk.replica.lock:
        loader.catch_up(loaded)
    assert loaded.model.known == 7


async def test_where_rows_mean_other_items_by_now_all_vectors_are_made_anew(
    desk: Desk, store: MemoryStore, loader: ModelLoader
) -> None:
    await desk.take(*(click(n, item=f"item-{n}") for n in range(4)))
    loaded = await loader.load("first")
    MemoryStore.__init__(store)
    await store.intern([f"item-{n}" for n in reversed(range(4))])
    async with desk.replica.lock:
        await desk.replica.rebuild()
        loader.catch_up(loaded)
    fresh = await loader.load("first")
    np.testing.assert_allclose(loaded.model.vectors[:4], fresh.model.vectors[:4], atol=1e-6)
    assert not np.allclose(fresh.model.vectors[0], fresh.model.vectors[3], atol=1e-3), "else nothing is shown"


async def test_a_model_that_is_not_there_is_an_error(loader: ModelLoader) -> None:
    with pytest.raises(ModelError, match="no model 'nowhere'"):
        await loader.load("nowhere")


def test_another_provider_than_was_asked_for_is_noted_and_told(loader: ModelLoader, told: Told) -> None:
    loader.runs_elsewhere("cuda", "cpu")
    assert loader.fell_back
    assert told.fallbacks == [("cuda", "cpu")]
