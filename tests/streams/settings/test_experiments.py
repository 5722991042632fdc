"""Experiments of a settings file: what is wrong is refused with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from model.errors import SettingsError
from streams.experiments.declared.refusal import DeclarationError
from streams.experiments.registry import changes
from streams.experiments.registry.state import NONE
from streams.settings.experiments import check_metrics, joined
from streams.settings.reading import load, override
from streams.settings.tree import Settings, written
from tests.streams.experiments.declarations import experiment, raw, running

FILE = """\
[feed]
size = 10

[experiments.ranking]
hypothesis = "Newer is better."
layer = "rank"
control = "plain"
primary = "click_through"
users = 1000
minimum_effect = 0.05
guardrails = [{metric = "dislikes", worst = 0.1}]
starts = 2026-11-29T12:00:00Z

[experiments.ranking.arms.plain]

[experiments.ranking.arms.bold]
weight = 2
[experiments.ranking.arms.bold.stages.candidates]
sources = ["fresh", "popular"]
"""


def read(text: str, folder: Path) -> Settings:
    path = folder / "settings.toml"
    path.write_text(text)
    return load(path, {})


def test_a_file_with_an_experiment(tmp_path: Path) -> None:
    settings = read(FILE, tmp_path)
    ranking = settings.experiments["ranking"]
    assert ranking.arms["bold"].weight == 2
    assert ranking.starts_ms == 1_795_953_600_000
    assert override(settings, {"feed": {"size": 5}}).experiments == settings.experiments
    assert override(Settings(), written(settings)) == settings


CASES: dict[str, tuple[str, str, int, str]] = {
    "a misspelt key": ("layer =", "lair =", 6, "did you mean 'layer'?"),
    "a value out of range": ("minimum_effect = 0.05", "minimum_effect = -1", 10, "minimum_effect"),
    "an unknown metric": ('"click_through"', '"clicks"', 8, "click_through"),
    "an unknown metric of a guardrail": ('"dislikes"', '"sighs"', 11, "dislikes"),
    "a misspelt setting": ("sources", "sorces", 19, "did you mean 'sources'?"),
    "a misspelt section": ("stages.candidates", "stages.candidate", 18, "candidates"),
    "a wrong value": ('["fresh", "popular"]', "7", 19, "`array`"),
    "control is no arm": ('"plain"', '"none"', 7, "plain, bold"),
    "something left out": ("users = 1000", "", 4, "a value, got none"),
    "a bad name": ("arms.bold", "arms.Bold", 16, "a name of at most 32"),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_wrong_has_its_line(case: str, tmp_path: Path) -> None:
    was, becomes, line, said = CASES[case]
    with pytest.raises(DeclarationError) as caught:
        read(FILE.replace(was, becomes), tmp_path)
    assert (caught.value.line, f"(line {line})" in str(caught.value)) == (line, True)
    assert said in str(caught.value)


def test_two_layers_of_a_file_do_not_touch_the_same_setting(tmp_path: Path) -> None:
    other = FILE[FILE.index("[experiments") :].replace(".ranking", ".other").replace('"rank"', '"more"')
    with pytest.raises(DeclarationError, match=r"other.arms.bold.stages.candidates.sources \(line 36\)"):
        read(FILE + "\n" + other, tmp_path)


def test_experiments_are_a_table(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="experiments: expected a table"):
        read("experiments = 7", tmp_path)


def test_as_variables() -> None:
    environ = {
        "HEADRACE_EXPERIMENTS": '{"e": {"hypothesis": "h", "arms": {"a": {}, "b": {}}, "control": "a", '
        '"primary": "rating", "users": 9, "minimum_effect": 0.1}}',
        "HEADRACE_EXPERIMENTS__E__SHARE": "0.5",
    }
    assert load(None, environ).experiments["e"].share == 0.5


def test_metrics_are_those_that_are_passed_in() -> None:
    check_metrics("e", experiment(primary="own"), {"own"})
    with pytest.raises(DeclarationError, match=r"experiments.e.primary: expected one of own"):
        check_metrics("e", experiment(primary="click_through"), {"own"})
    check_metrics("e", experiment(secondary=["own"], primary="own"), {"own"})
    with pytest.raises(DeclarationError, match=r"experiments.e.secondary.0: expected one of own"):
        check_metrics("e", experiment(primary="own", secondary=["other"]), {"own"})


def test_the_registry_knows_better_than_the_file() -> None:
    registry = running(e=raw(share=0.5))
    both = joined(registry, {"e": experiment(), "new": experiment("new", layer="x")})
    assert both.experiments["e"] == registry.experiments["e"]
    assert both.experiments["new"].state == "declared"
    assert "e" in changes.started(joined(NONE, {"e": experiment()}), "e", 1).registry.experiments
