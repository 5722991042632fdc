"""`headrace experiments whatif` from the command line."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from streams.commands.main import main
from tests.streams.offline.simulation.crowd import crowd

SETTINGS = """
[candidates]
sources = ["popular"]
[feed]
fresh_place = 0
[exploration]
share = 1.0
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data, settings and a log of 800 visits."""
    made = tmp_path_factory.mktemp("whatif")
    stream = crowd(2_000, 80, 80).interactions
    with (made / "ratings.csv").open("w", newline="", encoding="utf-8") as lines:
        writer = csv.writer(lines)
        writer.writerow(["user_id", "item_id", "timestamp", "rating"])
        writer.writerows(zip(stream.user, stream.item, stream.ts_ms // 1_000, stream.rating, strict=True))
    (made / "explored.toml").write_text(SETTINGS, encoding="utf-8")
    arguments = ["--interactions", str(made / "ratings.csv"), "--settings", str(made / "explored.toml")]
    simulated = ["simulate", *arguments, "--model", "none", "--visits", "800", "--places", "3"]
    assert main([*simulated, "--events", str(made / "log")]) == 0
    return made


def asked(folder: Path, arm: str, *more: str) -> int:
    (folder / "arm.toml").write_text(arm, encoding="utf-8")
    return main(
        [
            *("experiments", "whatif", "--interactions", str(folder / "ratings.csv")),
            *("--settings", str(folder / "explored.toml"), "--arm", str(folder / "arm.toml")),
            *("--events", str(folder / "log" / "events-0.jsonl"), *more),
        ]
    )


def test_it_prints_and_writes_what_may_be_read(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arm = "[stages.exploration]\ntemperature = 0.7\n"
    assert asked(folder, arm, "--places", "2", "--json", str(folder / "out.json")) == 0
    told = capsys.readouterr().out
    assert "as it ran" in told
    assert "go by cascade-DR, which assumes that" in told
    tree = json.loads((folder / "out.json").read_text(encoding="utf-8"))
    assert tree["go_by"] == "cascade-DR"
    best = tree["estimates"][0]
    assert best["refused"] is None
    assert best["value"]["low"] < best["value"]["value"] < best["value"]["high"]
    assert best["weights"]["effective"] > 100
    assert tree["impressions"]["drawn"] == best["weights"]["rows"]


def test_what_may_not_be_read_has_no_value_and_says_why(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arm = '[stages.candidates]\nsources = ["fresh"]\n'
    assert asked(folder, arm, "--json", str(folder / "out.json")) == 2
    found = capsys.readouterr()
    assert "refused" in found.out
    assert "no estimate may be read: the weights of place 1" in found.err
    tree = json.loads((folder / "out.json").read_text(encoding="utf-8"))
    assert tree["go_by"] is None
    assert {each["value"] for each in tree["estimates"]} == {None}


def test_what_cannot_be_asked_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert asked(folder, "", "--places", "0") == 2
    assert "--places 0: expected 1 or more" in capsys.readouterr().err
    assert asked(folder, "[stages.feet]\n") == 2
    assert "unknown field `feet`" in capsys.readouterr().err
