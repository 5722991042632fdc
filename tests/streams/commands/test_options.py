"""What several commands are told."""

from __future__ import annotations

import argparse

import pytest

from model.errors import SettingsError
from streams.commands.options import add_training, training_from
from streams.settings import Settings, override


def told(*words: str, settings: Settings = Settings()) -> Settings:
    parser = argparse.ArgumentParser()
    add_training(parser)
    return training_from(parser.parse_args(words), settings)


def test_without_options_the_settings_stand() -> None:
    settings = override(Settings(), {"model": {"training": {"epochs": 3}}, "seed": 11})
    assert told(settings=settings) == settings


def test_options_win_over_the_settings() -> None:
    settings = override(Settings(), {"model": {"training": {"epochs": 3, "batch": 17}}, "seed": 11})
    found = told("--epochs", "2", "--fusion", "concat", "--encoder", "ligr", settings=settings)
    assert (found.model.training.epochs, found.model.training.batch) == (2, 17)
    assert (found.model.network.fusion, found.model.network.encoder) == ("concat", "ligr")
    assert (found.seed, found.model.training.seed) == (11, settings.model.training.seed)
    assert told("--device", "cuda").model.training.device == "cuda"


def test_one_seed_is_for_all_that_draws() -> None:
    found = told("--seed", "5")
    assert (found.seed, found.model.training.seed) == (5, 5)


def test_what_is_out_of_range_is_said() -> None:
    with pytest.raises(SettingsError, match="epochs"):
        told("--epochs", "0")
    with pytest.raises(SystemExit):
        told("--fusion", "magic")
