"""The demo's model is found again where it is kept."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from shutil import copytree
from time import sleep

import pytest

from export.manifest import MANIFEST
from export.registry import Registry
from streams.clock import SystemClock
from streams.demo import prepare
from streams.demo.prepare import DemoOptions, Prepared, kept_model, prepared
from streams.demo.trained_once import one_trains
from streams.settings.tree import Settings

PATIENCE_S = 300.0


def test_a_kept_model_is_found_by_its_name_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Settings] = []

    def named(options: DemoOptions, settings: Settings) -> str:
        asked.append(settings)
        return f"of-{options.limit}"

    monkeypatch.setattr(prepare, "model_name", named)
    options = DemoOptions(folder=tmp_path, limit=5, epochs=2)
    assert kept_model(options, Settings()) is None
    place = tmp_path / "models" / "of-5"
    place.mkdir(parents=True)
    (place / MANIFEST).touch()
    assert kept_model(options, Settings()) == place
    assert kept_model(DemoOptions(folder=tmp_path, limit=6), Settings()) is None
    model = asked[0].model  # the name depends on them
    assert (model.registry, model.training.epochs) == (str(tmp_path / "models"), 2)


def test_two_demos_that_begin_at_once_train_one_model(tmp_path: Path, universal_registry: Registry) -> None:
    """Both find no model. The second used to train as well, and to end where it registered its own."""
    options = DemoOptions(folder=tmp_path, limit=1_000, epochs=1)
    copytree(universal_registry.folder, tmp_path / "models")
    said: dict[int, list[str]] = {0: [], 1: []}
    found_none = threading.Barrier(2)

    def begin(which: int) -> Prepared:
        def say(stage: str, done: int, total: int) -> None:
            said[which].append(stage)
            if stage == "reading ml-100k":
                found_none.wait(PATIENCE_S)

        return prepared(options, Settings(), SystemClock(), say)

    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(begin, (0, 1)))
    assert sorted(each.trained for each in both) == [False, True]
    assert both[0].model == both[1].model
    waited = said[0 if both[1].trained else 1]
    assert "waiting for another demo, which trains the model" in waited
    assert "training" not in waited
    assert all(each.run.recommender.pipeline.models.active for each in both)


def test_who_waits_goes_on_when_the_one_that_trains_has_failed(tmp_path: Path) -> None:
    order: list[str] = []
    holds = threading.Event()

    def fail() -> None:
        with one_trains(tmp_path, lambda *_: None):
            holds.set()
            while not order:
                sleep(0.01)
            order.append("failed")
            raise MemoryError

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(fail)
        assert holds.wait(PATIENCE_S)
        with one_trains(tmp_path, lambda stage, *_: order.append(stage)):
            order.append("trains")
    assert isinstance(first.exception(), MemoryError)
    assert order == ["waiting for another demo, which trains the model", "failed", "trains"]
