"""What `headrace replay` reads, asks for and writes; the loop itself stands still here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from streams.commands.main import main
from streams.datasets.dataset import Dataset
from streams.offline.replay import prequential
from streams.offline.replay.options import Progress, ReplayOptions
from streams.offline.replay.result import Prediction, ReplayResult, columns_of
from streams.settings.reading import override
from streams.settings.tree import Settings


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Dataset, ReplayOptions, Settings]]:
    """What the loop was asked to run; it answers with two predictions."""
    calls = []

    def replay(
        dataset: Dataset, options: ReplayOptions, settings: Settings, progress: Progress
    ) -> ReplayResult:
        calls.append((dataset, options, settings))
        progress("predict", 1, 1)
        predictions = [
            Prediction(1, 1, 1, True, 1, 1, (2, 3), 4.0, 3.0),
            Prediction(2, 1, 1, True, 0, 0, (2, 30)),
        ]
        columns = columns_of(predictions, ["popularity", "transitions"])
        return ReplayResult(columns, "made", 4, 2, 1, 2, 200, options.seed, 1.0, 1.0, {"headrace": 1})

    monkeypatch.setattr(prequential, "replay", replay, raising=False)
    return calls


@pytest.fixture
def interactions(tmp_path: Path) -> str:
    path = tmp_path / "r.csv"
    path.write_text("who,item,ts\na,x,1\na,y,2\nb,x,3\n,y,4\n")
    return str(path)


def test_files_and_figures(
    asked: list[tuple[Dataset, ReplayOptions, Settings]],
    interactions: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = [
        "replay",
        "--interactions",
        interactions,
        "--map",
        "user=who",
        "--map",
        "item=item",
        "--seed",
        "11",
    ]
    words += [
        "--warm",
        "0.25",
        "--slates",
        str(tmp_path / "s.jsonl"),
        "--bad-rows",
        str(tmp_path / "bad.txt"),
    ]
    words += ["--json", str(tmp_path / "f.json"), "--report", str(tmp_path / "r.html")]
    assert main(words) == 0
    ((dataset, options, settings),) = asked
    assert dataset.interactions.item == ["x", "y", "x"]
    assert options == ReplayOptions(warm=0.25, seed=11, slates=tmp_path / "s.jsonl")
    assert settings == override(Settings(), {"seed": 11, "model": {"training": {"seed": 11}}})
    assert json.loads((tmp_path / "f.json").read_text())["ranking"]["headrace"]["hr@10"]["value"] == 0.5
    assert (tmp_path / "r.html").exists()
    assert (tmp_path / "bad.txt").read_text() == "r.csv:5: no user\n"
    shown = capsys.readouterr().out
    assert "r.csv:5: no user" in shown
    assert "0.5000" in shown


def test_the_seed_is_that_of_the_settings(
    asked: list[tuple[Dataset, ReplayOptions, Settings]], interactions: str, tmp_path: Path
) -> None:
    (tmp_path / "h.toml").write_text("seed = 23\n")
    words = [
        "replay",
        "--interactions",
        interactions,
        "--map",
        "user=who",
        "--settings",
        str(tmp_path / "h.toml"),
    ]
    assert main(words) == 0
    assert asked[0][1].seed == 23


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--map", "user=whom"], "no column 'whom' for user"),
        (["--map", "user=who", "--warm", "1.5"], "--warm 1.5: expected a share between 0 and 1"),
        (["--map", "user=who", "--limit", "1"], "--limit 1"),
        (["--map", "user=who", "--json", "/nowhere/at/all.json"], "the folder /nowhere/at does not exist"),
        (["--map", "user=who", "--items", "none.csv"], "none.csv: No such file"),
    ],
)
def test_what_can_not_be_done_is_said_before_the_run(
    asked: list[tuple[Dataset, ReplayOptions, Settings]],
    interactions: str,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    message: str,
) -> None:
    assert main(["replay", "--interactions", interactions, *words]) == 2
    assert not asked
    assert message in capsys.readouterr().err


def test_how_files_are_read_is_shown_and_can_be_changed(
    asked: list[tuple[Dataset, ReplayOptions, Settings]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "r.csv"
    rows = [f"u{k},i{k % 3},{k + 1},fine" for k in range(30)]
    rows[3], rows[20] = rows[3].replace("fine", '"fine'), rows[20].replace("fine", 'fine"')
    path.write_text("# made by hand\n" + "\n".join(["user,item,ts,text", *rows]) + "\n")
    words = ["replay", "--interactions", str(path)]
    assert main(words) == 0
    assert len(asked[0][0].interactions) == 30
    shown = capsys.readouterr().out
    assert 'r.csv: UTF-8, split at comma, fields quoted by "' in shown
    assert "r.csv: 1 comment lines left out" in shown
    assert "1 rows (the first in line 6) have quotes that open or close no field" in shown
    assert main([*words, "--quotes", "items=none", "--quotes", "interactions=standard"]) == 0
    assert len(asked[1][0].interactions) == 13
    assert main([*words, "--quotes", "odd"]) == 2
    assert "--quotes odd: expected one of" in capsys.readouterr().err


def arms_file(folder: Path, text: str) -> list[str]:
    path = folder / "settings.toml"
    path.write_text(text)
    return ["--settings", str(path)]


def test_an_arm_is_asked_for_by_name(
    asked: list[tuple[Dataset, ReplayOptions, Settings]], interactions: str, tmp_path: Path
) -> None:
    words = ["replay", "--interactions", interactions, "--map", "user=who", "--arm", "short"]
    assert main([*words, *arms_file(tmp_path, "[arms.short.stages.feed]\nsize = 3\n")]) == 0
    ((_, options, settings),) = asked
    assert options.arm == "short"
    assert settings.stages_of("short").feed.size == 3


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "arm 'short' is not declared; expected one of default"),
        ("[arms.short.stages.feed]\nsise = 3\n", "arms.short.stages: Object contains unknown field `sise`"),
        ("[arms.short]\nmodel = 'none-such'\n", "none-such"),
    ],
)
def test_an_arm_that_can_not_be_is_refused_before_anything_is_read(
    asked: list[tuple[Dataset, ReplayOptions, Settings]],
    interactions: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    text: str,
    what: str,
) -> None:
    words = ["replay", "--interactions", interactions, "--map", "user=who", "--arm", "short"]
    assert main([*words, *arms_file(tmp_path, text)]) == 2
    assert what in capsys.readouterr().err
    assert not asked
