"""A model of the first half of the planted stream, as `replay` trains one; made once in a run."""

from __future__ import annotations

from pathlib import Path

from export.registry import Registry
from model.plan import TrainPlan
from streams.offline.replay.options import silent
from streams.offline.training.fit import fit
from streams.offline.training.half_lives import adapted
from streams.offline.training.warming import prepare, warm
from streams.settings.models import ModelSettings
from tests.made_once import made_once
from tests.streams.core import with_settings
from tests.streams.offline.planted import planted

NAME = "replay"
ONE_EPOCH = with_settings(model=ModelSettings(training=TrainPlan(epochs=1)))


def planted_model() -> Path:
    """Its folder; for reading."""
    return Registry(made_once("planted-model", _train)).get(NAME)


def _train(folder: Path) -> None:
    stream = planted()
    half = len(stream.interactions) // 2
    settings = adapted(ONE_EPOCH, stream.interactions, half)
    run = prepare(stream, settings, None, silent)
    fit(run, warm(run, half, settings, silent), Registry(folder), NAME, silent)
