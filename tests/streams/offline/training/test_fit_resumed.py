"""A training from a dataset that ends in the middle, and is taken up again."""

from __future__ import annotations

from pathlib import Path

import pytest

from export.manifest import RESCORER_FP32
from export.registry import Registry
from model.checkpoint import WEIGHTS
from model.plan import NetworkPlan, TrainPlan
from streams.offline.replay.options import Progress, silent
from streams.offline.training.fit import Fitted, fit_model
from streams.settings.models import ModelSettings
from tests.streams.core import with_settings
from tests.streams.offline.planted import planted

SETTINGS = with_settings(
    model=ModelSettings(
        network=NetworkPlan(width=16, hidden=(16, 8)), training=TrainPlan(epochs=2, scout=0.0, negatives=32)
    )
)
DATASET = planted(events=400)
WARM = 360


class PulledOutError(Exception):
    """The plug was."""


def fitted(registry: Registry, name: str, resume: Path | None, say: Progress = silent) -> Fitted:
    return fit_model(DATASET, SETTINGS, registry, name, WARM, say, resume=resume)


def test_it_goes_on_after_the_last_whole_epoch_to_the_same_weights(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "models")
    whole = fitted(registry, "whole", None)
    heard: list[int] = []

    def cut_off(stage: str, done: int, total: int) -> None:
        if stage == "training":
            heard.append(done)
            if done > total // 2:
                raise PulledOutError

    with pytest.raises(PulledOutError):
        fitted(registry, "resumed", tmp_path / "state", cut_off)
    assert not registry.has("resumed")
    again: list[int] = []

    def listen(stage: str, done: int, _total: int) -> None:
        if stage == "training":
            again.append(done)

    resumed = fitted(registry, "resumed", tmp_path / "state", listen)
    assert min(again) > min(heard)  # the first epoch was not trained again
    for name in (WEIGHTS, RESCORER_FP32):
        assert resumed.manifest.files[name].sha256 == whole.manifest.files[name].sha256
