"""`headrace simulate experiments` prints, writes and judges."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from streams.commands.main import main

SMALL = ["--runs", "30", "--planted", "20", "--users", "1500", "--window", "200", "--kind", "ratio"]


def test_figures_are_printed_written_and_the_same_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = []
    for name in ("a", "b"):
        words = ["simulate", "experiments", *SMALL, "--seed", "5", "--json", str(tmp_path / f"{name}.json")]
        if name == "a":
            words += ["--report", str(tmp_path / "page.html")]
        assert main(words) in {0, 1}  # a promise may be broken by chance in so few runs
        said.append(capsys.readouterr().out)
    assert "30 runs without a difference and 20 with one" in said[0]
    assert "z test at each look" in said[0]
    first, second = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("a", "b"))
    assert first == second
    assert first["options"]["seed"] == 5
    assert [each["kind"] for each in first["kinds"]] == ["ratio"]
    assert first["kinds"][0]["effect"] > 0.05
    assert any(each["what"].startswith("mismatch found") for each in first["promises"])
    page = (tmp_path / "page.html").read_text()
    for words_of in ("Power, and time to decide", "1% of one arm&#x27;s users lost", "Plotly.newPlot"):
        assert words_of in page


def test_a_broken_promise_is_the_exit_status(monkeypatch: pytest.MonkeyPatch) -> None:
    from streams.experiments.simulated import promises

    monkeypatch.setattr(promises, "LEAST_ALARMS", 0.99)
    monkeypatch.setattr(promises, "DOUBT", 0.0)
    assert main(["simulate", "experiments", *SMALL]) == 1


def test_wrong_options_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "experiments", "--users", "50"]) == 2
    assert "--users 50: expected at least two looks" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["simulate", "experiments", "--kind", "luck"])
