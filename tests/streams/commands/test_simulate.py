"""What `headrace simulate` reads, plays and writes."""

from __future__ import annotations

import csv
import json
import os
import signal
from pathlib import Path

import pytest

from streams.commands.main import main
from streams.commands.simulate import interrupts
from tests.streams.offline.simulation.crowd import crowd


@pytest.fixture(scope="module")
def interactions(tmp_path_factory: pytest.TempPathFactory) -> str:
    path, stream = tmp_path_factory.mktemp("data") / "r.csv", crowd().interactions
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("user", "item", "ts", "rating"))
        rows.writerows(
            zip(stream.user, stream.item, (stream.ts_ms // 1_000).tolist(), stream.rating, strict=True)
        )
    return str(path)


def test_two_settings_files_are_two_worlds_of_the_same_users(
    interactions: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "wide.toml").write_text("")
    (tmp_path / "popular.toml").write_text('[candidates]\nsources = ["popular"]\nreserve = {}\n')
    (tmp_path / "s.toml").write_text("visits = 9\nplaces = 5\n[drift]\nat = 60\n")
    words = ["simulate", "--interactions", interactions, "--model", "none", "--visits", "120"]
    words += ["--settings", str(tmp_path / "wide.toml"), "--settings", str(tmp_path / "popular.toml")]
    words += ["--scenario", str(tmp_path / "s.toml"), "--drift-degrees", "20", "--window", "40"]
    words += ["--hostile", "0.1", "--attack", "loop", "--attack-at", "30"]
    words += ["--json", str(tmp_path / "f.json"), "--report", str(tmp_path / "r.html")]
    words += ["--events", str(tmp_path / "events")]
    assert main(words) == 0
    told = json.loads((tmp_path / "f.json").read_text())
    assert told["scenario"]["drift"] == {"at": 60, "reversed": 0.5, "turned": 20.0}
    assert told["scenario"]["places"] == 5
    names = [world["name"] for world in told["worlds"]]
    assert names == ["wide", "wide, no attack", "popular", "popular, no attack"]
    assert [len(world["windows"]) for world in told["worlds"]] == [3, 3, 3, 3]
    assert [each["world"] for each in told["differences"]] == ["popular"]
    assert [each["world"] for each in told["attack"]] == ["wide", "popular"]
    assert told["users"]["hostile"] == 4
    assert len(list((tmp_path / "events").glob("*.jsonl"))) == 4
    page = (tmp_path / "r.html").read_text()
    for said in (
        "Simulation: r.csv",
        "share of the best",
        "popular, no attack",
        "attack: loop",
        "&quot;turned&quot;",
    ):
        assert said in page
    assert 'src="http' not in page
    shown = capsys.readouterr().out
    assert "events/s" in shown
    assert "120 visits of 40 users" in shown


def test_arms_are_worlds_or_divide_the_users_of_one(interactions: str, tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text("[arms.bold.stages.feed]\nfresh_place = 3\n")
    words = ["simulate", "--interactions", interactions, "--model", "none", "--visits", "60"]
    words += ["--settings", str(tmp_path / "s.toml"), "--json", str(tmp_path / "f.json")]
    assert main([*words, "--arm", "default", "--arm", "bold", "--effect", "bold=0.5"]) == 0
    told = json.loads((tmp_path / "f.json").read_text())
    assert [(world["name"], *world["arms"]) for world in told["worlds"]] == [
        ("default", "default"),
        ("bold", "bold"),
    ]
    assert told["differences"][0]["value"]["value"] > 0
    assert main([*words, "--split", "default,bold"]) == 0
    (world,) = json.loads((tmp_path / "f.json").read_text())["worlds"]
    assert {*world["arms"]} == {"default", "bold"}
    assert [(each["arm"], each["over"]) for each in world["lifts"]] == [("default", "bold")]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--drift-at", "90"], "drift.at is 90, but visits is 60: expected less"),
        (["--drift-share", "0.5"], "missing required field `at`"),
        (["--hostile", "2"], "at `$.attack.share`"),
        (["--window", "0"], "--window 0: expected at least 1 visit"),
        (["--effect", "bold"], "effect"),
        (["--arm", "bold"], "arm 'bold' is not declared"),
        (["--arm", "a", "--split", "a,b"], "leave one out"),
        (["--warm", "0"], "--warm 0.0: expected a share between 0 and 1"),
        (["--json", "/nowhere/at/all.json"], "the folder /nowhere/at does not exist"),
        (["--scenario", "none.toml"], "--scenario none.toml: No such file"),
    ],
)
def test_what_can_not_be_done_is_said(
    interactions: str, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    given = ["simulate", "--interactions", interactions, "--model", "none", "--visits", "60"]
    assert main([*given, *words]) == 2
    assert message in capsys.readouterr().err


def test_ctrl_c_ends_the_visits_once_they_have_begun() -> None:
    before = signal.getsignal(signal.SIGINT)
    with interrupts() as stop:
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
        assert not stop()
        os.kill(os.getpid(), signal.SIGINT)
        assert stop()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
