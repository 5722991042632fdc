"""The demo's model is found again where it is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from export.manifest import MANIFEST
from streams.demo import prepare
from streams.demo.prepare import DemoOptions, kept_model
from streams.settings.tree import Settings


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
