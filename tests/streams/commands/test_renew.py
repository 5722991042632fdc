"""`headrace renew` and `headrace train --continue`: what is asked for wrongly is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.commands.main import main
from streams.commands.renew import seconds
from streams.offline.renewal.renewal_state import only_one
from streams.serving.claim import claim


@pytest.fixture(autouse=True)
def _registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_MODEL__REGISTRY", str(tmp_path / "models"))


@pytest.mark.parametrize("text", ["6", "h", "0h", "6 h", "6w", "1e3s"])
def test_an_interval_without_sense_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["renew", "--every", text])
    assert "expected a number above 0 and a unit" in capsys.readouterr().err


def test_intervals_have_units() -> None:
    assert [seconds(text) for text in ("90s", "30m", "6h", "0.5d")] == [90, 1_800, 21_600, 43_200]


def test_without_a_log_there_is_nothing_to_renew_from(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["renew", "--once"]) == 2
    assert "examples.folder is not set" in capsys.readouterr().err


def test_a_second_renewal_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with only_one(tmp_path / "models"):
        assert main(["renew", "--once", "--examples", str(tmp_path)]) == 2
    assert "another process renews" in capsys.readouterr().err


def test_the_models_of_another_namespace_are_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A renewal deletes old models, among which may be what the other one serves."""
    claim(tmp_path / "models", "shop", "model.registry")
    monkeypatch.setenv("HEADRACE_NAMESPACE", "news")
    assert main(["renew", "--once", "--examples", str(tmp_path)]) == 2
    assert "belongs to namespace 'shop', and this is 'news'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "pass --interactions, --examples, or --continue"),
        (["--continue", "--examples", "x"], "--continue needs --from NAME"),
        (["--continue", "--from", "first"], "--continue needs --from NAME, and --examples"),
        (["--continue", "--from", "a", "--examples", "x", "--interactions", "y"], "leave --interactions out"),
        (["--continue", "--from", "first", "--examples", "x"], "no model 'first'"),
    ],
)
def test_training_says_what_it_needs(
    options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "--name", "new", *options]) == 2
    assert message in capsys.readouterr().err
