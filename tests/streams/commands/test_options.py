"""What several commands are told."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from model.errors import SettingsError
from streams.commands.options import add_cells, add_dataset, add_training, cells_from, training_from
from streams.datasets.columns.cell_rules import AUTO, MISSING, CellRules
from streams.settings.reading import override
from streams.settings.tree import Settings


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


def reading(*words: str) -> CellRules:
    parser = argparse.ArgumentParser()
    add_dataset(parser)
    return cells_from(parser.parse_args(["--interactions", "f.csv", *words]))


def test_reading_is_found_out_but_for_what_is_told() -> None:
    assert reading() == AUTO
    assert reading(
        "--times", "day-first", "--ids", "exact", "--lists", "spread", "--decimal", "comma"
    ) == CellRules(times="day-first", ids="exact", lists="spread", decimal="comma")
    assert reading("--times", "%d.%m.%Y").times == "%d.%m.%Y"
    assert reading("--missing", "").missing == frozenset()
    assert reading("--missing", "NA, Null").missing == {"na", "null"}
    assert reading("--missing=+-1").missing == MISSING | {"-1"}
    assert reading("--unrated=-1,0").unrated == (-1.0, 0.0)
    assert reading("--unrated", "-1").unrated == (-1.0,)
    assert reading("--unrated", "none").unrated == ()
    assert reading("--scale=-10..10").scale == (-10.0, 10.0)
    assert reading("--name-separator", " ").separator == " "


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--times", "fortnights"], "--times fortnights: expected one of auto, seconds"),
        (["--times", "%Q"], "expected a format of strptime"),
        (["--ids", "all"], "--ids all: expected one of auto, exact, numeric"),
        (["--lists", "all"], "--lists all: expected one of auto, spread, keep"),
        (["--decimal", ";"], "--decimal ;: expected one of auto, point, comma"),
        (["--unrated", "zero"], "--unrated zero: expected auto, none, or numbers"),
        (["--unrated", "nan"], "--unrated nan: expected auto, none, or numbers"),
        (["--scale", "10"], "--scale 10: expected LOW..HIGH"),
        (["--scale", "5..1"], "expected LOW..HIGH"),
        (["--name-separator", ""], "--name-separator: expected the text between names"),
    ],
)
def test_a_reading_that_makes_no_sense_is_refused(words: list[str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        reading(*words)


def test_every_reading_is_documented() -> None:
    parser = argparse.ArgumentParser()
    add_cells(parser)
    page = (Path(__file__).parents[3] / "docs/data.md").read_text(encoding="utf-8")
    for action in parser._actions[1:]:
        assert f"`{action.option_strings[0]}" in page


def test_every_command_that_reads_files_takes_them() -> None:
    from streams.commands import examples, replay, train, tune_text

    for command in (replay, train, examples, tune_text):
        parser = argparse.ArgumentParser()
        command.add_arguments(parser)
        options = {option for action in parser._actions for option in action.option_strings}
        assert {"--times", "--missing", "--ids", "--lists", "--unrated", "--scale", "--decimal"} <= options
